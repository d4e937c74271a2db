"""Pad and cut rows of unequal length to one array, as Keras's ``pad_sequences`` does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["pre", "post"]


def pad_ids(
    rows: Sequence[Sequence[int]],
    *,
    length: int,
    padding: Side = "pre",
    truncating: Side = "pre",
    pad_id: int = 0,
) -> NDArray[np.int32]:
    """Pad rows of ids to ``(rows, length)`` int32."""
    if len(rows) == 1 and type(rows[0]) is list:  # a text alone, the usual call: 3 us sooner than through an array
        row: list[int] = rows[0]
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        fill = [pad_id] * (length - len(kept))
        return np.fromiter(fill + kept if padding == "pre" else kept + fill, np.int32, length).reshape(1, length)
    out = np.full((len(rows), length, *(np.shape(rows[0])[1:] if rows else ())), pad_id, np.int32)
    for target, one in zip(out, rows, strict=True):
        _place(target, one, padding, truncating)
    return out


def pad_features(
    rows: Sequence[NDArray[np.floating[Any]]],
    *,
    length: int,
    padding: Side = "pre",
    truncating: Side = "pre",
    pad_value: float = 0.0,
) -> NDArray[np.float32]:
    """Pad rows of ``(time, features)`` to ``(rows, length, features)`` float32. At least one row."""
    out = np.full((len(rows), length, *np.shape(rows[0])[1:]), pad_value, np.float32)
    for target, row in zip(out, rows, strict=True):
        _place(target, row, padding, truncating)
    return out


def _place(target: NDArray[Any], row: Sequence[Any] | NDArray[Any], padding: Side, truncating: Side) -> None:
    length, count = len(target), len(row)
    if count == 0:
        return
    if count >= length:
        target[:] = row[count - length :] if truncating == "pre" else row[:length]
    elif padding == "pre":
        target[length - count :] = row
    else:
        target[:count] = row
