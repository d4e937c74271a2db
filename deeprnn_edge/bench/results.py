"""Hold what a benchmark found: one schema for whole sequences and one for streams, as their JSON has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.timing import Timing

Status = Literal["ok", "differs", "skipped"]


@dataclass(frozen=True)
class BenchOptions:
    """Say how whole sequences were measured.

    Attributes:
        length: time steps; None for a model without a time axis.
        threads: inside one call of an artifact; Keras runs with TensorFlow's own.
    """

    batch: int
    length: int | None
    threads: int
    runs: int | None
    seconds: float | None
    seed: int


@dataclass(frozen=True)
class BenchResult:
    """Hold the figures of one file for whole sequences.

    Attributes:
        status: ``ok``; ``differs``, where its answers do and it was not timed; ``skipped``, where it cannot run here
            or does not take the inputs.
        problem: why it is not ``ok``, or why its start was not measured.
        max_abs_diff: its largest absolute difference to the reference on the timed inputs, if it is finite.
    """

    name: str
    format: str
    precision: str | None
    size_bytes: int
    status: Status
    problem: str | None = None
    max_abs_diff: float | None = None
    start: Probe | None = None
    timing: Timing | None = None


@dataclass(frozen=True)
class BenchReport:
    """Hold a whole measurement of files for whole sequences.

    Attributes:
        inputs: input name to the shape that was timed.
        input_source: ``golden`` (rows of golden.npz) or ``random``.
        reference: what the answers were held against: ``golden.npz``, or the name of a file.
        machine: as it describes itself; read back, it may hold anything.
    """

    bundle: str
    name: str
    options: BenchOptions
    inputs: Mapping[str, tuple[int, ...]]
    input_source: str
    reference: str
    rows: tuple[BenchResult, ...]
    machine: Mapping[str, Any]


@dataclass(frozen=True)
class StreamBenchOptions:
    """Say how streams were measured.

    Attributes:
        chunks: steps of one push; None for 1, 10 and 100, and the own size of a file that takes steps by so many.
        window: steps that are run again for one answer.
        sample_rate: steps a second that come in; None where it was not said.
    """

    batch: int
    chunks: tuple[int, ...] | None
    window: int
    sample_rate: float | None
    threads: int
    runs: int | None
    seconds: float | None
    seed: int


@dataclass(frozen=True)
class PushResult:
    """Hold the figures of pushes of one size. All but ``chunk`` and ``problem`` are None where it was not timed.

    Attributes:
        chunk: steps of one push.
        step_us: the median push divided by its steps, in microseconds; of all rows of the batch.
        steps_per_second: how many it takes at that pace, of each row.
        real_time_factor: ``step_us`` by the time between two samples: below 1 it keeps up.
        window_ratio: the median push by the median run of the window, as both end in one answer; None where the chunk
            is as long as the window, which then holds no step twice.
        problem: why it was not timed.
    """

    chunk: int
    timing: Timing | None = None
    step_us: float | None = None
    steps_per_second: float | None = None
    real_time_factor: float | None = None
    window_ratio: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class WindowResult:
    """Hold the time of the whole window, by the file for whole sequences of the stream's format and precision.

    Attributes:
        name: its path; None, with a ``problem``, where there is none that runs and takes the window.
    """

    name: str | None = None
    timing: Timing | None = None
    problem: str | None = None


@dataclass(frozen=True)
class StreamResult:
    """Hold the figures of one stream artifact.

    Attributes:
        state_bytes: what the states of one row take in memory.
        status: ``ok``; ``differs``, where its answers do and it was not timed; ``skipped``, where it cannot run here.
        problem: why it is not ``ok``.
        reference: the file that its answers were held against, over ``checked_steps`` steps.
        max_abs_diff: the largest absolute difference to it, if it is finite.
    """

    name: str
    format: str
    precision: str
    size_bytes: int
    state_bytes: int
    status: Status
    window: WindowResult
    problem: str | None = None
    reference: str | None = None
    checked_steps: int | None = None
    max_abs_diff: float | None = None
    atol: float | None = None
    pushes: tuple[PushResult, ...] = ()


@dataclass(frozen=True)
class StreamBenchReport:
    """Hold a whole measurement of streams.

    Attributes:
        machine: as it describes itself; read back, it may hold anything.
    """

    bundle: str
    name: str
    options: StreamBenchOptions
    rows: tuple[StreamResult, ...]
    machine: Mapping[str, Any]


Report = BenchReport | StreamBenchReport
