"""What a benchmark of streams says: its records, and how they follow from the times."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deeprnn_edge.bench.streams.entries import StreamContender
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.manifest import StateSpec, StreamSpec
from deeprnn_edge.errors import InputError

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Timings:
    """The times of one stream: of pushes by their size, and of the window. Empty and None where none was timed."""

    pushes: Mapping[int, Timing]
    window: Timing | None


@dataclass(frozen=True)
class StreamBenchOptions:
    """How it was measured.

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
class PushRow:
    """Pushes of one size. Everything but ``chunk`` and ``problem`` is None where it was not timed.

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
class WindowRow:
    """The whole window, by the file for whole sequences of the stream's format and precision.

    name: its path; None, with a ``problem``, where there is none that runs and takes the window.
    """

    name: str | None = None
    timing: Timing | None = None
    problem: str | None = None


@dataclass(frozen=True)
class StreamBenchRow:
    """One stream artifact.

    state_bytes: what the states of one row take in memory.
    status: ``ok``; ``differs``, where its answers do and it was not timed; ``skipped``, where it cannot run here.
        ``problem`` says why.
    reference: the file that its answers were held against, over ``checked_steps`` steps.
    max_abs_diff: the largest absolute difference to it, if it is finite.
    """

    name: str
    format: str
    precision: str
    size_bytes: int
    state_bytes: int
    status: Literal["ok", "differs", "skipped"]
    window: WindowRow
    problem: str | None = None
    reference: str | None = None
    checked_steps: int | None = None
    max_abs_diff: float | None = None
    atol: float | None = None
    pushes: tuple[PushRow, ...] = ()


@dataclass(frozen=True)
class StreamBenchReport:
    """A measurement, whole."""

    bundle: str
    name: str
    options: StreamBenchOptions
    rows: tuple[StreamBenchRow, ...]
    machine: Mapping[str, Any]


def to_json(report: StreamBenchReport, *, comparison: Mapping[str, Any] | None = None) -> str:
    """The report as JSON text, with ``format_version``.

    comparison: that with an earlier report, ready for JSON, under a key of that name.
    """
    values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}
    if comparison is not None:
        values["comparison"] = comparison
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def make_row(
    contender: StreamContender, spec: StreamSpec, timings: Timings, options: StreamBenchOptions
) -> StreamBenchRow:
    """A stream artifact with its answers checked and, where they are right, its times."""
    artifact, window = contender.artifact, contender.window
    pushes = [make_push(size, timings, options.window, options.sample_rate) for size in timings.pushes]
    pushes += [PushRow(size, problem=contender.refusal) for size in contender.refused]
    return StreamBenchRow(
        name=artifact.path,
        format=artifact.format,
        precision=artifact.precision,
        size_bytes=artifact.size_bytes,
        state_bytes=sum(_bytes_of_a_row(state) for state in spec.states),
        window=WindowRow(problem=str(window))
        if isinstance(window, InputError)
        else WindowRow(window.artifact.path, timings.window),
        pushes=tuple(sorted(pushes, key=lambda push: push.chunk)) if contender.agrees else (),
        **_describe_answers(contender),
    )


def make_push(chunk: int, timings: Timings, window_steps: int, sample_rate: float | None) -> PushRow:
    """A push of ``chunk`` steps that was timed, beside the time of the window and the rate of the samples."""
    timing, window = timings.pushes[chunk], timings.window
    step_us = timing.p50_ms * 1e3 / chunk
    return PushRow(
        chunk=chunk,
        timing=timing,
        step_us=step_us,
        steps_per_second=1e6 / step_us,
        real_time_factor=None if sample_rate is None else step_us * 1e-6 * sample_rate,
        window_ratio=None if window is None or chunk >= window_steps else timing.p50_ms / window.p50_ms,
    )


def _describe_answers(contender: StreamContender) -> dict[str, Any]:
    """The fields of a row that say whether its answers are right, and beside what."""
    agreement = contender.agreement
    if agreement is None:
        return {"status": "skipped", "problem": str(contender.stream)}
    difference = agreement.difference
    problem = difference.problem or f"differs by {difference.max_abs_diff:.2g}, and {agreement.atol:g} is allowed"
    return {
        "status": "ok" if agreement.holds else "differs",
        "problem": None if agreement.holds else f"output {difference.output!r}: {problem}",
        "reference": agreement.reference,
        "checked_steps": agreement.steps,
        "max_abs_diff": difference.max_abs_diff if math.isfinite(difference.max_abs_diff) else None,
        "atol": agreement.atol,
    }


def _bytes_of_a_row(state: StateSpec) -> int:
    return math.prod(int(size) for size in state.shape[1:]) * np.dtype(state.dtype).itemsize
