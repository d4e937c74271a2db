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

# Two float32 computations of a network are each some rounding off its float64 answer. A file may have as much of it as
# Keras, which puts the two at most twice that apart.
ROUNDING_SHARE = 2.0


@dataclass(frozen=True)
class Difference:
    """Describe one output of one case beside its reference.

    Attributes:
        case: its name.
        output: its name.
        max_abs_diff: infinite where shapes differ or a value is not finite on one side alone.
        label_flips: rows whose decision differs.
        problem: why the two cannot be compared.
        keras_error: the largest difference of the reference from the float64 answer; None where that is not known.
        own_error: the same of what was answered.
    """

    case: str
    output: str
    max_abs_diff: float
    label_flips: int
    problem: str = ""
    keras_error: float | None = None
    own_error: float | None = None

    def exceeds(self, atol: float, *, exact: bool = True) -> bool:
        """Return whether this difference fails the tolerance (absolute; relative tolerance 0).

        Args:
            atol: the tolerance; where the reference itself is further from float64, twice its own error.
            exact: whether a label that flips fails it too.
        """
        return not self.max_abs_diff <= max(atol, self.rounding) or (exact and self.label_flips > 0)

    @property
    def rounding(self) -> float:
        """Return how far a file may be from the reference by the rounding that the reference has itself."""
        return ROUNDING_SHARE * self.keras_error if self.keras_error is not None else 0.0


def compare(
    case: str,
    reference: Arrays,
    actual: Arrays,
    *,
    decisions: Mapping[str, Answer | None],
    truth: Arrays | None = None,
) -> list[Difference]:
    """Hold every output of a case against its reference, by name.

    Args:
        case: its name.
        reference: what was to be answered.
        actual: what was answered.
        decisions: the outputs whose labels are compared too, and what their numbers stand for.
        truth: the answer in float64, where it is known; a label that the reference has by its rounding alone is none
            to be held to.
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
        true = None if truth is None else truth.get(name)
        flips = _label_flips(expected, got, true, decisions[name]) if name in decisions else 0
        errors = [None if true is None else _error(one, true) for one in (expected, got)]
        differences.append(Difference(case, name, _max_abs_diff(expected, got), flips, "", *errors))
    return differences


def _max_abs_diff(expected: NDArray[Any], got: NDArray[Any]) -> float:
    if not expected.size:
        return 0.0
    wide_expected, wide_got = expected.astype(np.float64), got.astype(np.float64)
    same = (wide_expected == wide_got) | (np.isnan(wide_expected) & np.isnan(wide_got))
    difference = np.where(same, 0.0, np.abs(np.where(same, 0.0, wide_expected) - np.where(same, 0.0, wide_got)))
    return float(np.max(np.where(np.isnan(difference), np.inf, difference)))


def disputed_labels(expected: NDArray[Any], true: NDArray[Any], answer: Answer | None) -> NDArray[np.bool_]:
    """Return where a reference decides otherwise than its float64 answer does."""
    return np.asarray(decide(expected, answer) != decide(true, answer))


def _label_flips(expected: NDArray[Any], got: NDArray[Any], true: NDArray[Any] | None, answer: Answer | None) -> int:
    flips = decide(expected, answer) != decide(got, answer)
    return int(np.count_nonzero(flips if true is None else flips & ~disputed_labels(expected, true, answer)))


def _error(values: NDArray[Any], true: NDArray[Any]) -> float | None:
    """Return the largest difference from a float64 answer; None where either is no number."""
    error = _max_abs_diff(true, values)
    return error if np.isfinite(error) else None
