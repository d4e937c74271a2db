"""Make the results of a benchmark of streams from its times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeprnn_edge.bench.results import PushResult, StreamBenchOptions, StreamResult, WindowResult
from deeprnn_edge.bench.streams.entries import StreamEntry
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec
from deeprnn_edge.errors import InputError


@dataclass(frozen=True)
class Timings:
    """Hold the times of one stream: of pushes by size, and of the window. Empty and None where none was timed."""

    pushes: Mapping[int, Timing]
    window: Timing | None


def make_result(entry: StreamEntry, spec: StreamSpec, timings: Timings, options: StreamBenchOptions) -> StreamResult:
    """Make a stream's result: its answers checked and, where they are right, its times.

    Args:
        entry: the stream, with its answers checked.
        spec: what the bundle's streams take and give.
        timings: of the stream.
        options: how it was measured.
    """
    artifact, window = entry.artifact, entry.window
    pushes = [make_push(size, timings, options.window, options.sample_rate) for size in timings.pushes]
    pushes += [PushResult(size, problem=entry.refusal) for size in entry.refused]
    return StreamResult(
        name=artifact.path,
        format=artifact.format,
        precision=artifact.precision,
        size_bytes=artifact.size_bytes,
        state_bytes=sum(_bytes_of_a_row(state) for state in spec.states),
        window=WindowResult(problem=str(window))
        if isinstance(window, InputError)
        else WindowResult(window.artifact.path, timings.window),
        pushes=tuple(sorted(pushes, key=lambda push: push.chunk)) if entry.agrees else (),
        **_describe_answers(entry),
    )


def make_push(chunk: int, timings: Timings, window_steps: int, sample_rate: float | None) -> PushResult:
    """Make the result of pushes of one size that were timed.

    Args:
        chunk: steps of one push.
        timings: of the stream.
        window_steps: steps that are run again for one answer.
        sample_rate: steps a second that come in; None where it was not said.
    """
    timing, window = timings.pushes[chunk], timings.window
    step_us = timing.p50_ms * 1e3 / chunk
    return PushResult(
        chunk=chunk,
        timing=timing,
        step_us=step_us,
        steps_per_second=1e6 / step_us,
        real_time_factor=None if sample_rate is None else step_us * 1e-6 * sample_rate,
        window_ratio=None if window is None or chunk >= window_steps else timing.p50_ms / window.p50_ms,
    )


def _describe_answers(entry: StreamEntry) -> dict[str, Any]:
    """Return the fields of a result that say whether the answers are right, and beside what."""
    agreement = entry.agreement
    if agreement is None:
        return {"status": "skipped", "problem": str(entry.stream)}
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
