"""Checks on the model's own inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.manifest import TensorSpec
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
