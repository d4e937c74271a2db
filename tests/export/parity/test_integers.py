"""Integers that go into no embedding: every kind that Keras answers is answered so by the files, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import deeprnn_edge
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.parity.grid import INTEGERS, make_grid
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.reading.signature import read_signature
from tests.support.keras_models import randomised


class Call(layers.Layer):
    def __init__(self, function: Callable[..., Any], rows: int = 0) -> None:
        super().__init__()
        self.function, self.rows = function, rows

    def build(self, _shape: Any) -> None:
        self.table = self.add_weight(shape=(self.rows, 3), name="table") if self.rows else None

    def call(self, x: Any) -> Any:
        return self.function(x) if self.table is None else self.function(self.table, x)


def numbers(ids: Any) -> Any:
    return ops.expand_dims(ops.cast(ids, "float32"), -1)


# What a model does with its integers, each with a value below zero.
USES: dict[str, Callable[[Any], Any]] = {
    "one_hot": lambda ids: ops.one_hot(ids, 5),
    "one_hot of axis 1": lambda ids: ops.transpose(ops.one_hot(ids, 5, axis=1), (0, 2, 1)),
    "one_hot of integers": lambda ids: ops.cast(ops.one_hot(ids, 5, dtype="int32"), "float32"),
    "one_hot of bool": lambda ids: ops.cast(ops.one_hot(ids, 5, dtype="bool"), "float32"),
    "one_hot of two values": Call(lambda ids: tf.one_hot(ids, 5, 3.0, -1.0)),
    "take": Call(lambda table, ids: ops.take(table, ids, axis=0), rows=5),
    "gather, where Keras takes none": Call(tf.gather, rows=5),
    "computed ids": lambda ids: layers.Embedding(12, 3)(ids + 1),
    "clipped ids": lambda ids: layers.Embedding(5, 3)(ops.clip(ids, 0, 4)),
    "floor_divide": lambda ids: numbers(ops.floor_divide(ids, 3)),
    "mod": lambda ids: layers.Embedding(5, 3)(ops.mod(ids, 5)),
    "compared with -1": lambda ids: numbers(ops.equal(ids, -1)),
    "cumsum": lambda ids: numbers(ops.cumsum(ids, 1)),
}
PROBES = np.array([[0, 1, 2, -1, -1, -1], [4, 3, 9, -7, 100, 5]], np.int32)


@pytest.mark.one_in(5)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("use", USES)
def test_every_integer_is_answered_as_by_keras(use: str, tmp_path: Path) -> None:
    ids = keras.Input((6,), dtype="int32", name="ids")
    model = randomised(keras.Model(ids, layers.Dense(2)(layers.GRU(4)(USES[use](ids)))))
    manifest = export(model, tmp_path / "b")
    for artifact in manifest.artifacts:
        runs = deeprnn_edge.load(tmp_path / "b", artifact=artifact.path)
        for probe in (PROBES[:1], PROBES[1:]):
            try:
                expected = np.asarray(model(probe))
            except (tf.errors.InvalidArgumentError, ValueError):
                continue  # Keras itself takes no such number
            (found,) = runs.run(probe).values()
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_cases_that_keras_refuses_are_left_out() -> None:
    ids = keras.Input((6,), dtype="int32", name="ids")
    asked = {}
    for use in ("one_hot", "gather, where Keras takes none"):
        model = keras.Model(ids, layers.GRU(4)(USES[use](ids)))
        signature = read_signature(model)
        grid = make_grid(signature, length=6)
        names = {case.name for case in keras_answers(model, signature, grid)}
        asked[use] = [kind for kind in INTEGERS if f"batch 1, ids {kind}" in names]
        assert names >= {case.name for case in grid if not case.may_fail}
    assert asked == {"one_hot": list(INTEGERS), "gather, where Keras takes none": []}


@pytest.mark.parametrize("find", [ops.argmax, ops.argmin], ids=lambda find: find.__name__)
@pytest.mark.usefixtures("convert_in_process")
def test_the_place_of_an_extreme_is_kerass(find: Callable[..., Any], tmp_path: Path) -> None:
    steps = keras.Input((5, 3), name="x")
    scores = layers.Dense(4, activation="relu")(layers.GRU(4)(steps))  # zeros that tie
    model = randomised(keras.Model(steps, [scores, find(scores, axis=-1)]))
    manifest = export(model, tmp_path / "b")
    assert [artifact.parity.label_flips for artifact in manifest.artifacts] == [0, 0]
    x = np.random.default_rng(0).standard_normal((40, 5, 3)).astype(np.float32)
    expected = np.asarray(model(x)[1])
    (found,) = (value for name, value in deeprnn_edge.load(tmp_path / "b").run(x).items() if find.__name__ in name)
    np.testing.assert_array_equal(found, expected)


def test_an_output_of_unknown_rank_is_refused_by_name(tmp_path: Path) -> None:
    class Squeezed(keras.Model):
        def __init__(self, axis: int | None) -> None:
            super().__init__()
            self.gru, self.axis = layers.GRU(1), axis

        def call(self, x: Any) -> Any:
            return tf.squeeze(self.gru(x)) if self.axis is None else ops.squeeze(self.gru(x), axis=self.axis)

    x = np.zeros((2, 5, 3), np.float32)
    model, mended = Squeezed(None), Squeezed(-1)
    for one in (model, mended):
        one(x)
    with pytest.raises(UnsupportedModelError, match=r"output 'output_0' .* no known number of axes.*axis=-1"):
        export(model, tmp_path / "b", formats=["onnx"])
    assert export(mended, tmp_path / "b", formats=["onnx"]).outputs[0].shape == ("batch",)


def test_a_model_that_takes_only_real_rows_is_compared_on_them(tmp_path: Path) -> None:
    def scaled(x: Any) -> Any:
        tf.debugging.assert_less(tf.reduce_max(tf.abs(x)), 1.0, message="features have to be scaled")
        return x

    steps = keras.Input((5, 3), name="x")
    model = keras.Model(steps, layers.Dense(2)(layers.GRU(4)(Call(scaled)(steps))))
    with pytest.raises(InputError, match=r"^Keras itself fails on the case .*have to be scaled.*sample_only=True$"):
        export(model, tmp_path / "b", formats=["onnx"])
    rows = np.random.default_rng(0).uniform(-0.9, 0.9, (8, 5, 3)).astype(np.float32)
    manifest = export(model, tmp_path / "b", formats=["onnx"], sample=rows, sample_only=True)
    assert manifest.artifacts[0].parity.cases == 3
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "b"))
    with pytest.raises(InputError, match=r"sample_only=True .* give some with sample="):
        export(model, tmp_path / "c", formats=["onnx"], sample_only=True)
