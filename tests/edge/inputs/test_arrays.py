"""Checks on the model's own inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.arrays import arrange, check

FEATURES = TensorSpec("features", "float32", ("batch", "time", 3))
TOKENS = TensorSpec("tokens", "int64", ("batch", "time"), id_count=10)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_numbers_become_the_dtype_of_the_model(dtype: Any) -> None:
    checked = check(np.ones((2, 4, 3), dtype), FEATURES)
    assert checked.dtype == np.float32
    assert np.array_equal(checked, np.ones((2, 4, 3)))


def test_an_array_that_fits_is_not_copied() -> None:
    array = np.ones((2, 4, 3), np.float32)
    assert check(array, FEATURES) is array


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_ids_of_any_integer_dtype(dtype: Any) -> None:
    assert check(np.array([[0, 9]], dtype), TOKENS).dtype == np.int64
    with pytest.raises(InputError, match="has the id 10 in row 1"):
        check(np.array([[1, 2], [3, 10]], dtype), TOKENS)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", ">i2", ">i4", ">i8", "<i4"])
@pytest.mark.parametrize("id_count", [10, 300, 70_000])
def test_a_negative_id_is_refused_in_any_dtype_and_byte_order(dtype: str, id_count: int) -> None:
    spec = TensorSpec("tokens", "int32", ("batch", "time"), id_count=id_count)
    with pytest.raises(InputError, match="has the id -1 in row 1; ids lie in"):
        check(np.array([[1, 2], [-1, 3]], dtype), spec)
    assert check(np.array([[1, 9]], dtype), spec).tolist() == [[1, 9]]
    assert check(np.array([[1, 9]], dtype.replace("i", "u")), spec).dtype == np.dtype("int32")


def test_an_integer_that_does_not_fit_is_refused() -> None:
    spec = TensorSpec("counts", "int32", ("batch", "time"))
    assert check(np.array([[2**31 - 1, -(2**31)]]), spec).dtype == np.int32
    for number in (2**31, -(2**31) - 1):
        with pytest.raises(InputError, match=f"has the number {number}, which is no int32"):
            check(np.array([[number]]), spec)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e300, -1e39])
def test_a_number_that_is_infinite_in_the_models_dtype_is_refused(number: float) -> None:
    array = np.zeros((3, 4, 3))
    array[1, 2, 0] = number
    with pytest.raises(InputError, match="has a number in row 1 that is infinite in float32; leave it out, or scale"):
        check(array, FEATURES)
    with pytest.raises(InputError, match="has a number in row 0 that is infinite"):
        check(np.array([[[np.inf, -np.inf, 1]]], np.float32), FEATURES)


@pytest.mark.filterwarnings("error")
def test_large_numbers_are_no_infinite_ones() -> None:
    array = np.full((2, 4, 3), 3e38, np.float32)
    assert check(array, FEATURES) is array


@pytest.mark.parametrize(
    ("value", "spec", "message"),
    [
        (np.array([[[1.0, np.nan, 0]]]), FEATURES, "has a NaN in row 0"),
        (np.ones((1, 4, 2)), FEATURES, r"has the shape \(1, 4, 2\), expected \(batch, time, 3\)"),
        (np.ones((4, 3)), FEATURES, r"has the shape \(4, 3\)"),
        (np.ones((1, 0, 3)), FEATURES, "holds no step"),
        (np.ones((1, 4, 3), complex), FEATURES, "dtype complex128"),
        (np.array([[True]]), TOKENS, "dtype bool, expected integers"),
    ],
)
def test_refusals_say_what_came_and_what_was_expected(value: Any, spec: TensorSpec, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(value, spec)


def test_several_inputs_come_as_a_list_or_by_name() -> None:
    specs = (FEATURES, TOKENS)
    assert arrange([1, 2], specs) == {"features": 1, "tokens": 2}
    assert arrange({"tokens": 2, "features": 1}, specs) == {"features": 1, "tokens": 2}
    with pytest.raises(InputError, match=r"has 2 inputs \(features, tokens\)"):
        arrange([1], specs)
