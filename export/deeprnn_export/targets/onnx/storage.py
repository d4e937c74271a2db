"""Store a weight in fewer bits, and tell what it is worth when it is read back.

All forms are symmetric: a stored 0 is 0. Scales are chosen so that the values read back, not the stored
numbers, are what a caller compares with the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_export.targets.weights import check_weight

Storage = Literal["fp32", "fp16", "int8", "int4"]
# From the fewest bits to the most: what a tensor falls back to where its effect is too large.
STORAGES: tuple[Storage, ...] = ("int4", "int8", "fp16", "fp32")

Floats = NDArray[np.float32]

# -127, not -128: the range is symmetric, as in the ONNX and TFLite specifications of symmetric weights.
_INT8_LIMIT = 127
# Two's complement of four bits; the larger side takes the block's largest value, as in ggml's Q4_0.
_INT4_LOW, _INT4_HIGH = -8, 7
# A scale of 16 bits for each 32 weights of 4 bits: half a bit a weight, as in ggml's Q4_0.
BLOCK = 32
# The scale that fits a block best lies below its largest value's: clipping it costs less than coarser steps.
_INT4_SHRINKINGS = np.linspace(1.0, 0.6, 21, dtype=np.float32)


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class StoredWeight:
    """Hold a weight as it is stored.

    Attributes:
        data: the stored numbers; of ``int4`` uint8, two in a byte: column ``c`` in the low half, ``c + width / 2``
            in the high one, each with 8 added.
        scale: float16, or float32 where float16 has no such number; broadcasts over ``data`` for ``int8``; for
            ``int4`` one a row and block. None for the floats.
        values: float32, what the stored form is read back as, in the weight's own shape.
    """

    storage: Storage
    data: NDArray[np.generic]
    scale: NDArray[Any] | None
    values: Floats

    @property
    def size_bytes(self) -> int:
        """Count the bytes of the numbers and their scales."""
        return self.data.nbytes + (0 if self.scale is None else self.scale.nbytes)


def store(name: str, weight: Floats, storage: Storage, *, rows: bool) -> StoredWeight:
    """Encode a float32 weight of two axes or more.

    Args:
        rows: whether whole rows are looked up, as in an embedding, so that each needs a scale of its own.

    Raises:
        UnsupportedModelError: which names the weight, for one that is all zero, or holds a NaN, an infinity or
            what float16 cannot hold.
        InputError: for ``int4`` without rows.
    """
    if storage != "fp32":
        check_weight(name, weight, storage, way_out=f"keep it as it is with tensors={{{name!r}: 'fp32'}}")
    if storage == "int4" and not (rows and weight.ndim == 2):
        raise InputError(f"{name}: int4 is for embedding tables, whose rows are looked up; store it as int8")
    if storage == "int8" and not rows:
        candidates = [_int8(weight, axis) for axis in (-1, -2) if weight.shape[axis] > 1]
        return min(candidates, key=lambda stored: float(np.sum(np.square(stored.values - weight, dtype=np.float64))))
    encode: dict[Storage, Callable[[Floats], StoredWeight]] = {
        "fp32": lambda w: StoredWeight("fp32", w, None, w),
        "fp16": _fp16,
        "int8": lambda w: _int8(w, -1),
        "int4": _int4,
    }
    return encode[storage](weight)


def _fp16(weight: Floats) -> StoredWeight:
    data = weight.astype(np.float16)
    return StoredWeight("fp16", data, None, data.astype(np.float32))


def _int8(weight: Floats, axis: int) -> StoredWeight:
    """Encode with one scale for all numbers along ``axis``."""
    scale = _scale(np.abs(weight).max(axis=axis, keepdims=True) / _INT8_LIMIT)
    wide = scale.astype(np.float32)
    data = np.clip(np.rint(weight / wide), -_INT8_LIMIT, _INT8_LIMIT).astype(np.int8)
    return StoredWeight("int8", data, scale, data * wide)


def _int4(weight: Floats) -> StoredWeight:
    """Encode with one scale for each row and block of columns, of several that with the least squared error."""
    rows, width = weight.shape
    count = -(-width // BLOCK)
    padded = np.zeros((rows, count * BLOCK), np.float32)
    padded[:, :width] = weight
    blocks = padded.reshape(rows, count, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., np.newaxis], -1)
    peak = np.where(largest == 0, np.float32(1), np.abs(largest))  # squares of large numbers overflow
    best, scale = np.full((rows, count, 1), np.inf, np.float32), np.ones((rows, count, 1), np.float32)
    for shrinking in _INT4_SHRINKINGS:
        tried = _scale(largest * shrinking / _INT4_LOW).astype(np.float32)
        error = np.square((_int4_round(blocks, tried) * tried - blocks) / peak).sum(-1, keepdims=True)
        scale, best = np.where(error < best, tried, scale), np.minimum(error, best)
    numbers = _int4_round(blocks, scale)
    values = (numbers * scale).reshape(rows, -1)[:, :width]
    flat = numbers.reshape(rows, -1)[:, : width + width % 2] + 8
    low, high = np.split(flat.astype(np.uint8), 2, axis=1)
    return StoredWeight("int4", low | (high << 4), _scale(scale[..., 0]), values)


def _int4_round(blocks: Floats, scale: Floats) -> Floats:
    rounded: Floats = np.clip(np.rint(blocks / scale), _INT4_LOW, _INT4_HIGH)
    return rounded


def _scale(scale: Floats) -> NDArray[Any]:
    """Return a scale as float16 where that holds it to its full 11 bits; a row of zeros gets 1."""
    scale = np.where(scale == 0, np.float32(1), scale).astype(np.float32)
    narrow = np.finfo(np.float16)
    fits = (np.abs(scale) >= narrow.smallest_normal) & (np.abs(scale) <= narrow.max)
    return scale.astype(np.float16) if fits.all() else scale
