"""State how far from Keras a file may answer: in float32 by its depth, in fewer bits by its largest output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeprnn_edge.bundle.golden import Case

# float32 carries 24 bits: sums of a few hundred products of order 1 differ by up to about 1e-6 with the
# order of summation, and a recurrence of 100 steps contracts rather than adds up these differences.
FP32_ATOL = 1e-5
# Each step of each layer hands its rounding on. Ten layers over 100 steps, or three of 256 units over 1,000,
# were measured at 3e-6 for SimpleRNN as Keras initialises it, whose recurrent kernel neither shrinks nor
# grows a difference; trained weights grow them a little.
DEEP_ATOL = 1e-4
DEEP_STEPS = 1_000


@dataclass(frozen=True)
class Tolerance:
    """Hold the largest absolute difference that passes; the relative tolerance is 0.

    Attributes:
        reason: why it is not the usual one.
        exact: whether a label that flips fails too, however small the difference.
    """

    atol: float = FP32_ATOL
    reason: str | None = None
    exact: bool = True


def float32_tolerance(recurrences: int, steps: int) -> Tolerance:
    """Say how far a float32 file may be from Keras: by the recurrent layers and the steps that each takes."""
    if recurrences * steps < DEEP_STEPS:
        return Tolerance(FP32_ATOL)
    return Tolerance(
        DEEP_ATOL,
        f"rounding passes through {recurrences} recurrent layers of {steps:,} steps each, one after the other",
    )


def reduced_tolerance(precision: str, share: float, cases: Sequence[Case], asked: float | None) -> Tolerance:
    """Say how far a file of fewer bits may be from Keras.

    Args:
        share: of the largest output of the cases.
        asked: the caller's own bound.
    """
    if asked is not None:
        return Tolerance(asked, "set by the caller", exact=False)
    largest = max(
        (float(np.abs(array[np.isfinite(array)]).max(initial=0)) for case in cases for array in case.outputs.values()),
        default=1.0,
    )
    return Tolerance(
        share * largest, f"{share:.1%} of the largest output, {largest:.3g}, as {precision} may", exact=False
    )
