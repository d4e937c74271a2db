"""Read the steps that every language computes: pick columns, then subtract, multiply and add, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.snippets.example import Example, RawValues, Tensor
from deeprnn_edge.snippets.rendering import fill

# Raw values and scales of one input: with more, a Java class could not be compiled.
_MOST_NUMBERS = 2_000


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Affine:
    """Hold raw values, and what makes an input of them.

    Attributes:
        values: flat, in rows of ``width``.
        width: raw columns.
        columns: those that the input has, in its order.
        scales: of each step and each of these columns three numbers: ``(x - first) * second + third``.
    """

    values: NDArray[Any]
    width: int
    columns: tuple[int, ...]
    scales: NDArray[np.float64]


def scale_helper(language: str, example: Example) -> str:
    """Return the function of a language that computes columns and scales, where an input of the example needs it."""
    return fill(language, "scale", {}) if any(affine_of(example, one) for one in example.inputs) else ""


def read_affine(raw: RawValues) -> Affine | None:
    """Return the steps of raw numbers as columns and scales; None where they are others."""
    if raw.how.dtype in ("str", "any") or raw.into != "float32":
        return None
    width = raw.values.shape[-1]
    columns, scales = np.arange(width), np.empty((0, width, 3))
    for step in raw.how.steps:
        if step.step == "select":
            chosen = list(step.columns or ())
            columns, scales = columns[chosen], scales[:, chosen]
        elif step.step == "scale":
            rows = [np.broadcast_to(row or 0.0, columns.shape) for row in (step.subtract, step.multiply, step.add)]
            scales = np.concatenate([scales, np.stack(rows, axis=-1)[None]])
        elif step.step != "window":  # the values are of one window
            return None
    if raw.values.size + scales.size + columns.size > _MOST_NUMBERS:
        return None
    return Affine(raw.values.ravel(), width, tuple(columns.tolist()), scales)


def is_affine(raw: RawValues) -> bool:
    """Return whether a program in any language computes these steps."""
    return read_affine(raw) is not None


def affine_of(example: Example, tensor: Tensor) -> Affine | None:
    """Return what makes an input of an example, where a program in any language computes it."""
    return next((read_affine(raw) for raw in example.raw if raw.how.input == tensor.name), None)
