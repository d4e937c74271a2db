"""Guard the gate: an artifact runs in the runtime that ships it, and answers as Keras does, or is not exported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.artifact import Artifact, Parity
from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import ParityError
from deeprnn_edge.parity.difference import ROUNDING_SHARE, Difference
from deeprnn_edge.parity.replay import Replay
from deeprnn_edge.parity.verify import compare_cases
from deeprnn_edge.tables import format_table
from deeprnn_export.parity.tolerance import Tolerance

# Ten SimpleRNN layers as Keras initialises them hand states on that are 3e-5 off after 40 steps: ONNX Runtime's tanh
# is an approximation, and Keras's own float32 is 3e-6 off float64 there. What is wrong is off by far more.
MOST_ROUNDING = 1e-3
# Some case has to be computed by Keras itself to four digits, or what is allowed for its rounding hides what is wrong.
SOUND_ROUNDING = 1e-4


@dataclass(frozen=True)
class ParityReport:
    """Hold what the gate saw for one artifact: the worst difference of each case, and cases that its shape excludes."""

    artifact: str
    tolerance: Tolerance
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...]

    @property
    def failures(self) -> list[Difference]:
        """List the outputs that differ by more than the tolerance, or decide otherwise."""
        allowed = self.tolerance
        over = [one for one in self.differences if one.exceeds(allowed.atol, exact=allowed.exact)]
        return over if over or self._has_sound_case() else self.grown

    @property
    def grown(self) -> list[Difference]:
        """List the outputs that differ by more than the tolerance, where Keras's own rounding explains it."""
        return [one for one in self.differences if self.tolerance.atol < one.max_abs_diff <= one.rounding]

    def _has_sound_case(self) -> bool:
        return any((one.keras_error or 0.0) <= SOUND_ROUNDING for one in self.differences)

    @property
    def passed(self) -> bool:
        """Return whether every comparison held."""
        return not self.failures

    def summary(self) -> Parity:
        """Make the manifest's entry."""
        atol, reason = self.tolerance.atol, self.tolerance.reason
        if grown := self.grown:
            atol = max(one.rounding for one in grown)
            reason = (
                f"the network grows rounding: Keras's own float32 is {atol / ROUNDING_SHARE:.1e} off its float64 "
                "answer, and a file may be off as far"
            )
        return Parity(
            max_abs_diff=max(difference.max_abs_diff for difference in self.differences),
            atol=atol,
            reason=reason,
            keras_error=_largest(one.keras_error for one in self.differences),
            own_error=_largest(one.own_error for one in self.differences),
            label_flips=sum(difference.label_flips for difference in self.differences),
            cases=len({difference.case for difference in self.differences}),
        )


def _largest(errors: Iterable[float | None]) -> float | None:
    return max((error for error in errors if error is not None), default=None)


def check_parity(
    replay: Replay,
    path: str,
    cases: Sequence[Case],
    outputs: Sequence[TensorSpec],
    *,
    tolerance: Tolerance,
    decisions: Mapping[str, Answer | None],
) -> ParityReport:
    """Run an artifact on every case that its shape takes; a stream on each cut in several ways.

    Args:
        outputs: the model's own.
        decisions: those of them whose labels are compared too, and what their numbers stand for.

    Raises:
        ParityError: where no case fits, so that nothing passes unchecked.
    """
    chosen, skipped = replay.choose(cases)
    if not chosen:
        raise ParityError(f"no case of the grid has the shape that {path} takes")
    differences = compare_cases(replay, chosen, outputs, exact=tolerance.exact, decisions=decisions)
    if not replay.is_steady(chosen[0], chosen[-1]):
        problem = "another answer when it is asked again: the file keeps a state between calls"
        differences.append(Difference(chosen[0].name, outputs[0].name, math.inf, 0, problem))
    return ParityReport(path, tolerance, tuple(differences), tuple(case.name for case in skipped))


def require_parity(reports: Sequence[ParityReport]) -> None:
    """Raise ParityError, with a table of what differs, unless every artifact answered as Keras does."""
    failures = [(report, difference) for report in reports for difference in report.failures]
    if not failures:
        return
    rows = [
        [
            report.artifact,
            difference.output,
            difference.case,
            difference.problem or f"{difference.max_abs_diff:.2e}",
            f"{max(report.tolerance.atol, difference.rounding):.2g}",
            _shown(difference.keras_error),
            _shown(difference.own_error),
            str(difference.label_flips),
        ]
        for report, difference in failures
    ]
    columns = ["artifact", "output", "case", "largest difference", "allowed", "Keras off float64", "file off float64"]
    table = format_table([*columns, "label flips"], rows)
    raise ParityError(
        f"{len(failures)} of {sum(len(report.differences) for report in reports)} comparisons with Keras failed; "
        f"nothing was exported{_way_out(failures)}",
        table=table,
    )


def _shown(error: float | None) -> str:
    return "-" if error is None else f"{error:.1e}"


def _way_out(failures: Sequence[tuple[ParityReport, Difference]]) -> str:
    """Say what is left to do where float32 files differ by little: a network may grow the rounding of its runtime."""
    worst = max(difference.max_abs_diff for _, difference in failures)
    if all((one.keras_error or 0.0) > SOUND_ROUNDING for _, one in failures):
        return (
            "; Keras's own float32 is off its float64 answer on all these cases, so that they tell nothing: compare on "
            "real rows with sample= and sample_only=True, or, where outputs are large numbers, give atol="
        )
    if worst > MOST_ROUNDING or any(d.label_flips or not report.tolerance.exact for report, d in failures):
        return ""
    return f"; so little may be rounding that the network grows, and atol={2 * worst:.0e} would allow it"


def require_accuracy(artifacts: Sequence[Artifact], max_drop_points: float | None) -> None:
    """Raise ParityError, with a table, where an evaluated artifact lost more accuracy than the budget allows.

    Args:
        max_drop_points: percentage points; None for no budget.
    """
    if max_drop_points is None:
        return
    over = [
        (artifact, artifact.evaluation)
        for artifact in artifacts
        if artifact.evaluation is not None and -artifact.evaluation.accuracy_change_points > max_drop_points
    ]
    if not over:
        return
    rows = [
        [
            artifact.path,
            f"{evaluation.accuracy:.2%}",
            f"{evaluation.keras_accuracy:.2%}",
            f"{evaluation.accuracy_change_points:+.2f}",
            str(evaluation.label_flips),
        ]
        for artifact, evaluation in over
    ]
    raise ParityError(
        f"{', '.join(artifact.path for artifact, _ in over)} lost more than {max_drop_points:g} percentage points of "
        "accuracy; nothing was exported: leave the precision out, keep more words, or allow more with "
        "max_accuracy_drop=",
        table=format_table(["artifact", "accuracy", "Keras", "change in points", "label flips"], rows),
    )
