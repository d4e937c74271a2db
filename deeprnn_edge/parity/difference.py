"""Compare the answers of two runtimes: what export's gate and ``verify`` go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.inference.names import decide
from deeprnn_edge.inputs.arrays import Arrays


@dataclass(frozen=True)
class Difference:
    """Describe one output of one case beside its reference.

    Attributes:
        case: its name.
        output: its name.
        max_abs_diff: infinite where shapes differ or a value is not finite on one side alone.
        label_flips: rows whose decision differs.
        problem: why the two cannot be compared.
    """

    case: str
    output: str
    max_abs_diff: float
    label_flips: int
    problem: str = ""

    def exceeds(self, atol: float, *, exact: bool = True) -> bool:
        """Return whether this difference fails the tolerance (absolute; relative tolerance 0).

        Args:
            atol: the tolerance.
            exact: whether a label that flips fails it too.
        """
        return not self.max_abs_diff <= atol or (exact and self.label_flips > 0)


def compare(
    case: str, reference: Arrays, actual: Arrays, *, decisions: Mapping[str, Answer | None]
) -> list[Difference]:
    """Hold every output of a case against its reference, by name.

    Args:
        case: its name.
        reference: what was to be answered.
        actual: what was answered.
        decisions: the outputs whose labels are compared too, and what their numbers stand for.
    """
    differences = []
    for name, expected in reference.items():
        if name not in actual:
            differences.append(Difference(case, name, float("inf"), 0, f"missing; there are {sorted(actual)}"))
            continue
        got = actual[name]
        if got.shape != expected.shape:
            problem = f"shape {got.shape}, expected {expected.shape}"
            differences.append(Difference(case, name, float("inf"), 0, problem))
            continue
        flips = _label_flips(expected, got, decisions[name]) if name in decisions else 0
        differences.append(Difference(case, name, _max_abs_diff(expected, got), flips))
    return differences


def _max_abs_diff(expected: NDArray[Any], got: NDArray[Any]) -> float:
    if not expected.size:
        return 0.0
    wide_expected, wide_got = expected.astype(np.float64), got.astype(np.float64)
    same = (wide_expected == wide_got) | (np.isnan(wide_expected) & np.isnan(wide_got))
    difference = np.where(same, 0.0, np.abs(np.where(same, 0.0, wide_expected) - np.where(same, 0.0, wide_got)))
    return float(np.max(np.where(np.isnan(difference), np.inf, difference)))


def _label_flips(expected: NDArray[Any], got: NDArray[Any], answer: Answer | None) -> int:
    return int(np.count_nonzero(decide(expected, answer) != decide(got, answer)))
