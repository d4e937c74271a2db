"""Weights in fewer bits: what is read back is near what was stored, and what has no scale is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.targets.onnx.storage import BLOCK, store


def weight(rows: int = 40, width: int = 32, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


@pytest.mark.parametrize(("storage", "steps"), [("fp16", 2**11), ("int8", 127), ("int4", 7)])
@pytest.mark.parametrize("width", [1, 2, 31, 32, 33, 64, 100])
def test_the_error_is_half_a_step_of_the_row_or_block(storage: str, steps: int, width: int) -> None:
    original = weight(width=width)
    stored = store("w", original, storage, rows=True)
    assert stored.values.shape == original.shape
    assert stored.values.dtype == np.float32
    columns = BLOCK if storage == "int4" else width
    for start in range(0, width, columns):
        block = slice(start, start + columns)
        largest = np.abs(original[:, block]).max(1, keepdims=True)
        error = np.abs(stored.values[:, block] - original[:, block])
        # A scale of float16 may be 1/2048 too small, 0.06 steps at the row's largest value; of int4 the best scale
        # may clip that value, to fit the others better.
        allowed = largest / steps * {"fp16": 1.0, "int8": 0.57, "int4": 3}[storage]
        assert (error <= allowed + 1e-7).all()


def test_int4_chooses_the_scale_of_the_least_squared_error() -> None:
    original = weight(200)
    stored = store("w", original, "int4", rows=True)
    largest = np.take_along_axis(original, np.abs(original).argmax(1)[:, np.newaxis], 1)
    plain = np.clip(np.rint(original / (largest / -8)), -8, 7) * (largest / -8)
    error, plain_error = (np.square(values - original).sum(1) for values in (stored.values, plain))
    assert (error <= plain_error * 1.01).all()  # a float16 scale is off by 1/2048
    assert error.sum() < 0.95 * plain_error.sum()


@pytest.mark.parametrize("width", [31, 32, 64])
def test_sizes_are_those_of_the_form(width: int) -> None:
    original, rows = weight(width=width), 40
    assert store("w", original, "fp16", rows=True).size_bytes == rows * width * 2
    assert store("w", original, "int8", rows=True).size_bytes == rows * (width + 2)
    blocks = -(-width // BLOCK)
    assert store("w", original, "int4", rows=True).size_bytes == rows * (-(-width // 2) + 2 * blocks)


def test_a_matrix_gets_the_channel_axis_that_fits_it_better() -> None:
    by_row, by_column = weight() * np.logspace(0, 3, 40, dtype=np.float32)[:, np.newaxis], weight().T
    for matrix, axis in ((by_row, -1), (by_row.T, -2)):
        stored = store("w", matrix, "int8", rows=False)
        assert stored.scale is not None
        assert stored.scale.shape[axis] == 1
        assert stored.scale.size == 40
    assert store("w", by_column[:, :1], "int8", rows=False).scale.size == 1  # a scale for each number saves nothing


def test_a_row_of_zeros_stays_zero() -> None:
    original = weight()
    original[0] = 0  # the padding's row
    for storage in ("fp16", "int8", "int4"):
        assert not store("w", original, storage, rows=True).values[0].any()


@pytest.mark.parametrize("factor", [1e-9, 1e-5, 1e5, 1e30])
@pytest.mark.parametrize("storage", ["int8", "int4"])
def test_scales_that_float16_does_not_hold_are_float32(factor: float, storage: str) -> None:
    error = [
        np.abs(
            store("w", weight() * np.float32(scale), storage, rows=True).values / np.float32(scale) - weight()
        ).mean()
        for scale in (factor, 1)
    ]
    assert error[0] == pytest.approx(error[1], rel=0.01)


@given(st.integers(0, 1000), st.integers(2, 70))
def test_integers_are_symmetric(seed: int, width: int) -> None:
    original = weight(8, width, seed=seed)
    stored, mirrored = (store("w", sign * original, "int8", rows=True) for sign in (1, -1))
    np.testing.assert_array_equal(stored.values, -mirrored.values)
    assert np.abs(stored.data.astype(int)).max() == 127


@pytest.mark.parametrize("storage", ["fp16", "int8", "int4"])
@pytest.mark.parametrize(
    ("number", "message"), [(np.nan, "holds NaN or infinity"), (np.inf, "holds NaN or infinity"), (None, "all zero")]
)
def test_what_has_no_scale_is_refused_by_name(storage: str, number: float | None, message: str) -> None:
    bad = np.zeros((8, 8), np.float32) if number is None else weight(8, 8)
    if number is not None:
        bad[3, 3] = number
    with pytest.raises(UnsupportedModelError, match=f"the weight 'gru/W' .*{message}.*tensors={{'gru/W': 'fp32'}}"):
        store("gru/W", bad, storage, rows=True)
    np.testing.assert_array_equal(store("gru/W", bad, "fp32", rows=True).values, bad)


def test_float16_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(UnsupportedModelError, match=r"the weight 'w' reaches 1e\+05, and float16 ends at 65504"):
        store("w", np.full((4, 4), 1e5, np.float32), "fp16", rows=False)


def test_int4_is_for_tables() -> None:
    with pytest.raises(InputError, match="w: int4 is for embedding tables"):
        store("w", weight(), "int4", rows=False)
