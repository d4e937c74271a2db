"""The gate: an artifact runs in the runtime that ships it, and answers as Keras does, or there is no export."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from deeprnn_edge.errors import ParityError
from deeprnn_edge.golden import Case
from deeprnn_edge.manifest import Parity
from deeprnn_edge.parity import Difference, compare
from deeprnn_edge.sessions import open_session
from deeprnn_edge.tables import format_table
from deeprnn_edge.verification import fits
from deeprnn_export.grid import GridCase
from deeprnn_export.signature import Signature, call

# float32 carries 24 bits: sums of a few hundred products of order 1 differ by up to about 1e-6 with the
# order of summation, and a recurrence of 100 steps contracts rather than adds up these differences.
FP32_ATOL = 1e-5
_SECONDS_BETWEEN_NEWS = 2.0


@dataclass(frozen=True)
class ParityReport:
    """What the gate saw for one artifact: the worst difference of each case, and cases that its shape excludes."""

    artifact: str
    atol: float
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...]

    @property
    def failures(self) -> list[Difference]:
        """The outputs that differ by more than the tolerance, or decide otherwise."""
        return [difference for difference in self.differences if difference.exceeds(self.atol)]

    def summary(self) -> Parity:
        """The manifest's entry."""
        return Parity(
            max_abs_diff=max(difference.max_abs_diff for difference in self.differences),
            atol=self.atol,
            label_flips=sum(difference.label_flips for difference in self.differences),
            cases=len({difference.case for difference in self.differences}),
        )


def keras_answers(
    model: keras.Model,
    signature: Signature,
    grid: Sequence[GridCase],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Case]:
    """Keras's answer for every case, from the eager call.

    Not from ``predict``: it compiles the model for a symbolic time axis, where Keras 3.15's
    TimeDistributed loops over the batch size and truncates.
    """
    cases = []
    told = time.monotonic()
    progress(f"Keras answers {len(grid)} cases")
    for number, case in enumerate(grid, start=1):
        if time.monotonic() - told > _SECONDS_BETWEEN_NEWS:
            told = time.monotonic()
            progress(f"Keras answers case {number} of {len(grid)}: {case.name}")
        inputs = [tf.constant(case.inputs[spec.name]) for spec in signature.inputs]
        answers = keras.tree.flatten(call(model, inputs))
        outputs = {
            spec.name: np.asarray(keras.ops.convert_to_numpy(answer))
            for spec, answer in zip(signature.outputs, answers, strict=True)
        }
        cases.append(Case(case.name, case.inputs, outputs))
    return cases


def check_parity(
    content: bytes, kind: str, path: str, cases: Sequence[Case], *, atol: float, decisions: Sequence[str]
) -> ParityReport:
    """Run an artifact on every case that its shape takes.

    Raises ParityError where no case fits, so that nothing passes unchecked.
    """
    session = open_session(content, kind=kind, path=path)
    chosen = [case for case in cases if fits(session, case)]
    if not chosen:
        raise ParityError(f"{path} takes {dict(session.fixed_shapes)}, which no case of the grid has")
    differences = [
        difference
        for case in chosen
        for difference in compare(case.name, case.outputs, session.run(case.inputs), decisions=decisions)
    ]
    skipped = tuple(case.name for case in cases if case not in chosen)
    return ParityReport(path, atol, tuple(differences), skipped)


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
            f"{report.atol:.0e}",
            str(difference.label_flips),
        ]
        for report, difference in failures
    ]
    table = format_table(["artifact", "output", "case", "largest difference", "allowed", "label flips"], rows)
    raise ParityError(
        f"{len(failures)} of {sum(len(report.differences) for report in reports)} comparisons with Keras failed; "
        "nothing was exported",
        table=table,
    )
