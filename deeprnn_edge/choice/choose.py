"""Choose the artifact of a bundle to ship to this device: measured here, held against budgets, with reasons."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deeprnn_edge.bench.results import BenchOptions, BenchResult
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.choice.budgets import (
    Budgets,
    Excess,
    Measure,
    check_budgets,
    describe_excess,
    describe_need,
    format_value,
)
from deeprnn_edge.errors import InputError

FORMAT_VERSION = 1
UNMEASURED = "its accuracy was not measured; measure it with: deeprnn-edge export MODEL --evaluate DATA"

# What decides among those that fit, and then between equals.
_ORDERS: Mapping[Measure, tuple[Measure, ...]] = {
    "size": ("size", "latency"),
    "latency": ("latency", "size"),
    "accuracy": ("accuracy", "size", "latency"),
}
_WORSE: Mapping[Measure, str] = {"size": "larger", "latency": "slower", "accuracy": "less accurate"}

Verdict = Literal["chosen", "fits", "over budget", "not evaluated", "differs", "cannot run"]
# From what a wider budget would let in to what nothing helps.
_MISSES: tuple[Verdict, ...] = ("over budget", "not evaluated", "differs", "cannot run")


@dataclass(frozen=True)
class ChoiceEntry:
    """Hold one artifact, what was measured of it, and what became of it.

    Attributes:
        latency_ms: of the median call; None where it was not timed.
        accuracy_change_points: against Keras, from the manifest, negative where it is worse; None where unmeasured.
        max_abs_diff: its largest absolute difference to the reference, as in a benchmark.
        reasons: why it is not the one; empty for the chosen.
    """

    path: str
    format: str
    precision: str
    size_bytes: int
    latency_ms: float | None
    accuracy_change_points: float | None
    max_abs_diff: float | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()

    def value(self, measure: Measure) -> float | None:
        """Return bytes, milliseconds, or points of accuracy lost (negative where gained): less is better."""
        if measure == "size":
            return self.size_bytes
        if measure == "latency":
            return self.latency_ms
        # Points are a difference of shares times 100: 0.5 may have come out as 0.5000000000000004.
        return None if self.accuracy_change_points is None else round(-self.accuracy_change_points, 9)


@dataclass(frozen=True)
class Choice:
    """Hold which artifact to ship, and why not the others.

    Attributes:
        chosen: its path; None where none fits, and then ``miss`` says which came nearest and what it would need.
        input_source, reference: which inputs were answered, and what the answers were held against, as in a benchmark.
    """

    bundle: str
    name: str
    chosen: str | None
    miss: str | None
    prefer: Measure
    budgets: Budgets
    options: BenchOptions
    input_source: str
    reference: str
    artifacts: tuple[ChoiceEntry, ...]
    machine: Mapping[str, Any]


def choose(
    path: str | Path,
    *,
    max_size_bytes: int | None = None,
    max_latency_ms: float | None = None,
    max_accuracy_drop_points: float | None = None,
    prefer: Measure = "size",
    length: int | None = None,
    threads: int = 1,
    seconds: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Choice:
    """Measure a bundle's artifacts on this machine, and choose among those within the budgets.

    Only artifacts that run whole sequences are considered. None that fits is no error here: ``chosen`` is None.

    Args:
        path: of the bundle.
        max_size_bytes: of the file.
        max_latency_ms: of the median call of one row.
        max_accuracy_drop_points: percentage points below Keras, as export measured them. Given it, or ``prefer``
            accuracy, an artifact that was not evaluated does not fit.
        prefer: the smallest (then the fastest), the fastest (then the smallest), or the most accurate.
        length: time steps, where the model's time axis is free; None for what the bundle pads to.
        threads: threads inside one call.
        seconds: about how long each artifact is called; by default 2.
        progress: called with a line at each step.

    Raises:
        InputError: for options that cannot be used and where no artifact runs.
        BundleError: for a damaged bundle.
    """
    budgets = check_budgets(Budgets(max_size_bytes, max_latency_ms, max_accuracy_drop_points))
    if prefer not in _ORDERS:
        raise InputError(f"prefer {prefer!r}: give one of {', '.join(_ORDERS)}")
    manifest = open_bundle(path).manifest
    artifacts = {artifact.path: artifact for artifact in manifest.artifacts if artifact.kind == "sequence"}
    if not artifacts:
        raise InputError(f"{path} has no artifact that runs whole sequences; export the model again")
    report = bench(
        path,
        length=length,
        threads=threads,
        seconds=seconds,
        probes=False,
        progress=progress,
    )
    entries = decide([_judge(result, artifacts[result.name], budgets, prefer) for result in report.rows], prefer)
    chosen = next((entry.path for entry in entries if entry.verdict == "chosen"), None)
    return Choice(
        bundle=str(path),
        name=manifest.name,
        chosen=chosen,
        miss=None if chosen else describe_miss(entries, budgets),
        prefer=prefer,
        budgets=budgets,
        options=report.options,
        input_source=report.input_source,
        reference=report.reference,
        artifacts=entries,
        machine=report.machine,
    )


def decide(entries: Sequence[ChoiceEntry], prefer: Measure) -> tuple[ChoiceEntry, ...]:
    """Choose one of the entries that fit, and give each other that fits the reason why it was rejected."""
    fitting = [entry for entry in entries if entry.verdict == "fits"]
    if not fitting:
        return tuple(entries)
    best = min(fitting, key=lambda entry: [_known(entry.value(measure)) for measure in _ORDERS[prefer]])
    return tuple(_place(entry, best, prefer) for entry in entries)


def describe_miss(entries: Sequence[ChoiceEntry], budgets: Budgets) -> str:
    """Name, of entries that do not fit, the one whose worst ratio of value to budget is the smallest, in one line."""

    def distance(entry: ChoiceEntry) -> tuple[int, float, float]:
        ratios = [excess.ratio for excess in _excesses(entry, budgets)]
        # Where no drop is allowed every ratio is infinite, and the drop itself tells which is nearer.
        return _MISSES.index(entry.verdict), max(ratios, default=0.0), entry.value("accuracy") or 0.0

    nearest = min(entries, key=distance)
    said = f"no artifact fits; {nearest.path} comes nearest: {'; '.join(nearest.reasons)}"
    if nearest.verdict != "over budget":  # wider budgets alone would not do
        return said
    return f"{said}. It would need {' '.join(describe_need(excess) for excess in _excesses(nearest, budgets))}"


def to_json(choice: Choice) -> str:
    """Return the choice as JSON text, with ``format_version``."""
    values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(choice)}
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _judge(result: BenchResult, artifact: Artifact, budgets: Budgets, prefer: Measure) -> ChoiceEntry:
    """Compare a measured artifact with the budgets alone: ``fits``, or why it does not."""
    entry = ChoiceEntry(
        path=artifact.path,
        format=artifact.format,
        precision=artifact.precision,
        size_bytes=artifact.size_bytes,
        latency_ms=result.timing.p50_ms if result.timing else None,
        accuracy_change_points=artifact.evaluation.accuracy_change_points if artifact.evaluation else None,
        max_abs_diff=result.max_abs_diff,
        verdict="fits",
    )
    if result.status != "ok":
        verdict: Verdict = "differs" if result.status == "differs" else "cannot run"
        said = "its answers differ" if result.status == "differs" else "it cannot run here"
        problem = " ".join((result.problem or "").split())  # a runtime may have said it in several lines
        return dataclasses.replace(entry, verdict=verdict, reasons=(f"{said}: {problem}",))
    reasons = [describe_excess(excess) for excess in _excesses(entry, budgets)]
    needs_accuracy = prefer == "accuracy" or budgets.max_accuracy_drop_points is not None
    if needs_accuracy and entry.accuracy_change_points is None:
        return dataclasses.replace(entry, verdict="not evaluated", reasons=(*reasons, UNMEASURED))
    return dataclasses.replace(entry, verdict="over budget" if reasons else "fits", reasons=tuple(reasons))


def _place(entry: ChoiceEntry, best: ChoiceEntry, prefer: Measure) -> ChoiceEntry:
    if entry is best:
        return dataclasses.replace(entry, verdict="chosen")
    if entry.verdict != "fits":
        return entry
    for measure in _ORDERS[prefer]:
        value, least = entry.value(measure), best.value(measure)
        if value is not None and least is not None and value != least:
            reason = f"fits, but is {_WORSE[measure]} than {best.path}: {_compare(measure, value, least)}"
            return dataclasses.replace(entry, reasons=(reason,))
    return dataclasses.replace(entry, reasons=(f"fits as well as {best.path}, which the bundle names first",))


def _compare(measure: Measure, value: float, least: float) -> str:
    if measure == "accuracy":  # changes as in the table: -1.2 points
        return f"{0 - value:+.3g} points against {0 - least:+.3g}"
    return f"{format_value(measure, value)} against {format_value(measure, least)}"


def _excesses(entry: ChoiceEntry, budgets: Budgets) -> list[Excess]:
    measures: tuple[Measure, ...] = ("size", "latency", "accuracy")
    checked = [(measure, entry.value(measure), budgets.limit(measure)) for measure in measures]
    return [
        Excess(measure, value, limit)
        for measure, value, limit in checked
        if value is not None and limit is not None and value > limit
    ]


def _known(value: float | None) -> float:
    return math.inf if value is None else value
