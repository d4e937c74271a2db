"""Compare a benchmark with an earlier one: the ratio of each figure, how sure it is, and what became worse.

Latencies are compared by the medians over the blocks that both runs were measured in, sizes exactly. Load time,
first call and memory are single samples: they have a ratio and no interval, and never count as a regression.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from deeprnn_edge.bench.history.earlier import check_limit, check_same_inputs, describe_conditions, require_blocks
from deeprnn_edge.bench.history.ratio_interval import CONFIDENCE, ratio_interval
from deeprnn_edge.bench.results import BenchReport, BenchResult, PushResult, Report, StreamBenchReport, StreamResult
from deeprnn_edge.bench.timing import FEWEST_BLOCKS, Timing
from deeprnn_edge.errors import InputError

# Of a latency, the field of the whole run and that of its blocks.
_LATENCIES = {"p50_ms": "block_p50_ms", "p95_ms": "block_p95_ms", "mean_ms": "block_mean_ms"}
_HELD_LATENCY = "p50_ms"
_HELD_SIZE = "size_bytes"


@dataclass(frozen=True)
class Figure:
    """Hold one figure of one artifact, old and new, in the unit that its name ends in.

    Attributes:
        old, new: of a latency the median over the blocks; of the whole run where there are too few blocks.
        ratio: new by old; None where one is missing or old is not above 0.
        low, high: the ends of the ratio's 95 % interval; None for a single sample; the ratio itself for a size.
        verdict: where a ratio is above what was allowed: ``regression``, or ``within noise`` where the interval is not
            wholly above. None for a figure that is not held.
    """

    name: str
    old: float | None
    new: float | None
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Literal["regression", "within noise"] | None = None


@dataclass(frozen=True)
class ComparedEntry:
    """Hold the figures of an artifact, or of pushes of one size (``stream.onnx by 10``), that both benchmarks have.

    Attributes:
        noisy: which of the two runs was noisy: the medians of its blocks spread by more than 10 %.
    """

    name: str
    figures: tuple[Figure, ...]
    noisy: tuple[Literal["old", "new"], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Hold a benchmark beside an earlier one.

    Attributes:
        against: the earlier one's file.
        missing: what was measured then, was asked for now, and has no figures now, with the reason.
        notes: what else a reader has to know: another machine or package, what was not compared.
        failures: why the check fails, empty where it holds or ``fail_above`` is None.
    """

    against: str
    confidence: float
    fail_above: float | None
    rows: tuple[ComparedEntry, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    """Hold what is compared, of either kind of report.

    Attributes:
        artifact: None for Keras, which is there where it was asked for, and nothing that a bundle could lose.
        chunk: of pushes, their steps.
        exact, single: figures that are known exactly, and those of one sample.
        problem: why it was not measured.
    """

    artifact: str | None = None
    chunk: int | None = None
    exact: Mapping[str, int] = field(default_factory=dict)
    single: Mapping[str, float | None] = field(default_factory=dict)
    timing: Timing | None = None
    problem: str | None = None


def compare_reports(
    path: Path, old: Report, new: Report, *, fail_above: float | None = None, artifacts: Sequence[str] | None = None
) -> Comparison:
    """Compare a report with an earlier one of the same kind and model.

    Args:
        path: the earlier one's file, for the words.
        old: the earlier report.
        new: the report that is compared with it.
        fail_above: the ratio from which on a median latency or a file's size is a regression; None to check nothing.
        artifacts: what the new one was asked for; None for all. Others of the old one are not missed.

    Raises:
        InputError: for a limit that is no number above 0, for reports of different models or inputs, where they have
            nothing in common, and where ``fail_above`` is given and a latency has too few blocks.
    """
    check_limit(fail_above)
    check_same_inputs(path, old, new)
    before, now = _measured(old), _measured(new)
    if not before.keys() & now.keys():
        raise InputError(f"{path} has none of {', '.join(now)}; it has {', '.join(before) or 'nothing'}")
    rows, missing, notes = [], [], describe_conditions(old, new)
    for name, earlier in before.items():
        found = now.get(name, _Measured(problem="it is not there now"))
        if earlier.problem is not None:
            notes.append(f"{name} was not measured in {path}: {earlier.problem}")
        elif found.problem is None:
            # Keras is compared and not held: no change to a bundle makes it slower.
            rows.append(_compare(name, earlier, found, None if earlier.artifact is None else fail_above))
        elif _was_asked(earlier, new, artifacts):
            missing.append(f"{name} was measured in {path}, and not now: {found.problem}")
        else:
            notes.append(f"{name} was measured in {path}, and was not asked for now")
    notes += [f"{name} is not in {path}" for name in now if name not in before]
    failures = [] if fail_above is None else [*_regressions(rows, fail_above), *missing]
    return Comparison(
        against=str(path),
        confidence=CONFIDENCE,
        fail_above=fail_above,
        rows=tuple(rows),
        missing=tuple(missing),
        notes=tuple(notes),
        failures=tuple(failures),
    )


def _compare(name: str, old: _Measured, new: _Measured, limit: float | None) -> ComparedEntry:
    figures: list[Figure] = []
    noisy: list[Literal["old", "new"]] = []
    if old.timing is not None and new.timing is not None:
        if limit is not None:
            require_blocks(f"{name} in the earlier benchmark", old.timing)
            require_blocks(name, new.timing)
        figures += [_compare_latency(figure, old.timing, new.timing, limit) for figure in _LATENCIES]
        noisy += ["old"] if old.timing.noisy else []
        noisy += ["new"] if new.timing.noisy else []
    for figure, value in old.single.items():
        figures.append(_figure(figure, value, new.single.get(figure), interval=None))
    for figure, size in old.exact.items():
        figures.append(_compare_size(figure, size, new.exact[figure], limit))
    return ComparedEntry(name, tuple(figures), tuple(noisy))


def _compare_latency(name: str, old: Timing, new: Timing, limit: float | None) -> Figure:
    old_blocks, new_blocks = (getattr(one, _LATENCIES[name]) for one in (old, new))
    if min(len(old_blocks), len(new_blocks)) < FEWEST_BLOCKS:
        return _figure(name, getattr(old, name), getattr(new, name), interval=None)
    interval = ratio_interval(old_blocks, new_blocks)
    values = (float(np.median(blocks)) for blocks in (old_blocks, new_blocks))
    return _figure(name, *values, interval=interval, limit=limit if name == _HELD_LATENCY else None)


def _compare_size(name: str, old: int, new: int, limit: float | None) -> Figure:
    interval = (new / old, new / old) if old > 0 else None
    # A limit below 1 asks for a gain in speed; a file that is no larger is no regression.
    held = max(limit, 1.0) if limit is not None and name == _HELD_SIZE else None
    return _figure(name, old, new, interval=interval, limit=held)


def _figure(
    name: str,
    old: float | None,
    new: float | None,
    *,
    interval: tuple[float, float] | None,
    limit: float | None = None,
) -> Figure:
    ratio = new / old if old is not None and new is not None and 0 < old < math.inf else None
    low, high = interval or (None, None)
    verdict: Literal["regression", "within noise"] | None = None
    if limit is not None and ratio is not None and low is not None and ratio > limit:
        verdict = "regression" if low > limit else "within noise"
    return Figure(name, old, new, ratio, low, high, verdict)


def _regressions(rows: Sequence[ComparedEntry], limit: float) -> Iterator[str]:
    for entry in rows:
        for figure in entry.figures:
            if figure.verdict == "regression":
                interval = "" if figure.low == figure.high else f" (95 %: {figure.low:.2f} to {figure.high:.2f})"
                noisy = " in a noisy run: measure again" if entry.noisy and figure.name == _HELD_LATENCY else ""
                yield f"{entry.name} has {figure.ratio:.2f} times the {figure.name}{interval}, above {limit:g}{noisy}"


def _was_asked(earlier: _Measured, report: Report, artifacts: Sequence[str] | None) -> bool:
    """Tell whether the new benchmark was to measure what the old one did."""
    chunks = None if isinstance(report, BenchReport) else report.options.chunks
    chosen = earlier.artifact is not None and (artifacts is None or earlier.artifact in artifacts)
    return chosen and (earlier.chunk is None or chunks is None or earlier.chunk in chunks)


def _measured(report: Report) -> dict[str, _Measured]:
    if isinstance(report, BenchReport):
        return {result.name: _measured_result(result) for result in report.rows}
    return dict(_measured_streams(report))


def _measured_result(result: BenchResult) -> _Measured:
    artifact = None if result.format == "keras" else result.name
    if result.timing is None:
        return _Measured(artifact, problem=result.problem or "it was not timed")
    start = result.start
    single: dict[str, float | None] = {}
    if start is not None:
        single = {
            "load_ms": start.load_ms,
            "first_call_ms": start.first_call_ms,
            "resident_added_bytes": start.resident_added_bytes,
        }
    return _Measured(artifact, None, {"size_bytes": result.size_bytes}, single, result.timing)


def _measured_streams(report: StreamBenchReport) -> Iterator[tuple[str, _Measured]]:
    """Yield each stream with its sizes, and each size of its pushes with their times."""
    for result in report.rows:
        yield result.name, _measured_stream(result)
        for push in result.pushes:
            yield f"{result.name} by {push.chunk}", _measured_push(result, push)


def _measured_stream(result: StreamResult) -> _Measured:
    if result.status != "ok":
        return _Measured(result.name, problem=result.problem or result.status)
    return _Measured(result.name, exact={"size_bytes": result.size_bytes, "state_bytes": result.state_bytes})


def _measured_push(result: StreamResult, push: PushResult) -> _Measured:
    problem = None if push.timing else push.problem or "it was not timed"
    return _Measured(result.name, push.chunk, timing=push.timing, problem=problem)
