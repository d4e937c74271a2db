"""Feature models and models of free length, without a bundle: a session stands in that shows what it got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.items import to_rows
from deeprnn_edge.inputs.text import TextEncoder
from tests.support.summing_model import Summing, make

ROWS = [np.full((length, 2), length, np.float32) for length in (3, 1, 3, 2)]


def test_free_length_runs_items_of_one_length_together_unpadded() -> None:
    session = Summing()
    answer = make(session, Preprocessing("sequence")).predict(ROWS)
    assert np.array_equal(answer, [[9, 9], [1, 1], [9, 9], [4, 4]])
    assert session.shapes == [(1, 1, 2), (1, 2, 2), (2, 3, 2)]


@pytest.mark.parametrize(
    ("padding", "truncating", "expected"),
    [("pre", "pre", [[7, 2], [2, 3]]), ("post", "post", [[2, 7], [1, 2]]), ("pre", "post", [[7, 2], [1, 2]])],
)
def test_padding_and_truncating_sides(padding: Any, truncating: Any, expected: list[list[int]]) -> None:
    rules = Preprocessing("sequence", max_length=2, padding=padding, truncating=truncating, pad_value=7)
    model = make(Summing(every_step=True), rules, time=2)
    rows = [np.array([[2, 2]]), np.array([[1, 1], [2, 2], [3, 3]])]
    assert np.array_equal(model.predict(rows)[:, :, 0], expected)  # type: ignore[call-overload, index]


def test_one_item_and_an_array_of_items() -> None:
    model = make(Summing(), Preprocessing("sequence"))
    assert np.array_equal(model.predict(ROWS[0]), [[9, 9]])
    assert np.array_equal(model.predict(np.ones((2, 5, 2))), [[5, 5], [5, 5]])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([np.ones((3, 4))], r"item 0 has the shape \(3, 4\), expected \(time, 2\)"),
        ([np.zeros((0, 2))], "item 0 has no steps"),
        (["text"], "got text, but the model has no vocabulary"),
        ([[["a", "b"]]], "item 0 is not an array of numbers"),
        ([np.array([[1, np.nan]])], "has a NaN"),
    ],
)
def test_refusals(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(Summing(), Preprocessing("sequence")).predict(given)


def test_unequal_lengths_of_a_model_that_answers_every_step() -> None:
    with pytest.raises(InputError, match="items of one length together"):
        make(Summing(every_step=True), Preprocessing("sequence")).predict(ROWS)


def test_no_steps_where_padding_is_masked() -> None:
    session = Summing()
    rules = Preprocessing("sequence", min_length=2, pad_value=7)
    answer = make(session, rules).predict([np.zeros((0, 2), np.float32), np.ones((3, 2), np.float32)])
    assert np.array_equal(answer, [[14, 14], [3, 3]])


@pytest.mark.parametrize(("steps", "side"), [(3, "padding"), (5, "truncating")])
def test_another_length_that_the_rules_refuse(steps: int, side: str) -> None:
    rules = Preprocessing("sequence", max_length=4, padding="refuse", truncating="refuse")
    model = make(Summing(), rules, time=4)
    assert np.array_equal(model.predict(np.ones((4, 2), np.float32)), [[4, 4]])
    with pytest.raises(InputError, match=f"item 0 has {steps} steps, and the model takes 4; .*--{side} pre or post"):
        model.predict([np.ones((steps, 2), np.float32)])


@pytest.mark.parametrize(
    "items",
    [{"text": "a film"}, {"a film"}, bytearray(b"film"), memoryview(b"film"), b"film", np.array("a film"), None, 5],
)
def test_what_could_be_read_as_items_and_is_none_is_refused_by_its_type(bundle_path: Path, items: Any) -> None:
    model = deeprnn_edge.load(bundle_path)
    with pytest.raises(InputError, match=rf"^got a {type(items).__name__}; expected texts"):
        model.predict(items)


@pytest.mark.parametrize("dtype", ["U4", "complex64", "M8[s]", "?", "O"])
def test_feature_vectors_are_numbers(dtype: str) -> None:
    spec = TensorSpec("x", "float32", ("batch", "time", 2))
    rules = Preprocessing("sequence")
    with pytest.raises(InputError, match="item 0 is not an array of numbers"):
        to_rows([np.zeros((3, 2)).astype(dtype)], rules, spec, TextEncoder(rules, ()))
    assert np.isinf(to_rows([np.full((3, 2), 1e300)], rules, spec, TextEncoder(rules, ()))[0]).all()
