"""Name the classes of a model's answer, the most probable first."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import BundleError, InputError

Named = tuple[str, float]


def rank_classes(answer: Any, labels: Sequence[str], top_k: int) -> list[list[Named]]:
    """Name each row's classes.

    Args:
        answer: the model's only output, ``(rows, classes)``, or ``(rows, 1)`` for the second of two classes.
        labels: the names in the order of the classes.
        top_k: how many to give of each row.

    Returns:
        For each row pairs of name and number, the largest first; of equal ones in the classes' order.

    Raises:
        InputError: for a model without labels, of several outputs, or that answers every step.
        BundleError: for other than one label a class.
    """
    if not labels:
        raise InputError("the bundle names no classes; export the model with: deeprnn-edge export MODEL --labels NAMES")
    if isinstance(answer, dict) or answer.ndim != 2:
        what = f"{len(answer)} outputs" if isinstance(answer, dict) else f"answers of the shape {answer.shape}"
        raise InputError(f"classify names one answer an item, and the model gives {what}; take them from predict")
    values = _both(answer) if answer.shape[1] == 1 else answer
    if values.shape[1] != len(labels):
        raise BundleError(f"the manifest has {len(labels)} labels, and the model {values.shape[1]} classes")
    order = np.argsort(-values, axis=1, kind="stable")[:, : _check_count(top_k)]
    return [[(labels[index], float(row[index])) for index in ranked] for row, ranked in zip(values, order, strict=True)]


def _both(answer: NDArray[Any]) -> NDArray[Any]:
    """Return both classes of a single probability; at exactly 0.5 the first is ahead, as it decides."""
    return np.concatenate([1 - answer, answer], axis=1)


def _check_count(top_k: Any) -> int:
    try:
        count = operator.index(top_k)
    except TypeError as error:
        raise InputError(f"top_k is {top_k!r}, expected a whole number") from error
    if count < 1:
        raise InputError(f"top_k {count}: expected 1 or more")
    return count
