"""Cells: their steps compute what Keras's do, and one more is one file and its name in the list."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_export import cells, export
from deeprnn_export.cells import cell_named, cell_of
from deeprnn_export.cells.cell import Cell, Recurrence, Step
from deeprnn_export.tracing.recurrence import read_recurrences
from tests.support.keras_models import randomised

MADE = {
    "rnn": lambda: layers.SimpleRNN(4),
    "lstm": lambda: layers.LSTM(4),
    "gru": lambda: layers.GRU(4),
    "gru, reset before": lambda: layers.GRU(4, reset_after=False),
    "gru, no bias": lambda: layers.GRU(4, use_bias=False),
    "gru, gates of softmax": lambda: layers.GRU(4, recurrent_activation="softmax"),
}


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_a_step_is_kerass_own(name: str, integers: bool) -> None:
    layer = MADE[name]()
    model = randomised(keras.Sequential([keras.Input((None, 3)), layer]))
    (recurrence,) = read_recurrences(model.layers[0], "layer")
    assert isinstance(recurrence, Recurrence)
    assert recurrence.cell is cell_named(name.split(",")[0]) is cell_of(layer.cell)
    step = recurrence.cell.step(recurrence)
    if integers and recurrence.cell.integer_step is not None:
        recurrence, step = recurrence.cell.integer_step(recurrence)
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 3)).astype(np.float32)
    states = [random.normal(size=(2, 4)).astype(np.float32) for _ in recurrence.cell.states]
    projected = x @ recurrence.kernel + recurrence.bias
    parts = np.split(projected, np.cumsum(recurrence.cell.parts)[:-1] * 4, axis=1)
    _, expected = layer.cell(x, states)
    for ours, own in zip(step([tf.constant(part) for part in parts], states), expected, strict=True):
        np.testing.assert_allclose(ours, own, atol=1e-6)


@pytest.mark.parametrize("name", cells.CELLS)
def test_a_cell_has_its_gates_once(name: str) -> None:
    cell = cell_named(name)
    assert cell.name == name
    assert cell.node is not None
    assert sorted(cell.node.gates) == list(range(sum(cell.parts)))
    fields = {field.name for field in dataclasses.fields(Recurrence)}
    assert set(cell.node.activations) <= fields
    assert cell_of(cell.layer(2).cell) is cell


class LeakyCell(layers.SimpleRNNCell):
    """``h_t = 0.5 h_(t-1) + 0.5 f(W x_t + U h_(t-1) + b)``."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, _ = super().call(inputs, states, training=training)
        output = 0.5 * output + 0.5 * states[0]
        return output, [output]


def leaky_step(recurrence: Recurrence) -> Step:
    plain = cell_named("rnn").step(recurrence)
    return lambda inputs, states: [0.5 * plain(inputs, states)[0] + 0.5 * states[0]]


def test_one_more_cell_is_one_file_and_its_name_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("deeprnn_export.cells.leaky")
    module.CELL = Cell("leaky", layers.RNN, LeakyCell, ("h",), (1,), None, leaky_step)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cells, "CELLS", (*cells.CELLS, "leaky"))
    inputs = keras.Input((6,), dtype="int32")
    embedded = layers.Embedding(9, 3, mask_zero=True)(inputs)
    model = randomised(keras.Model(inputs, layers.RNN(LeakyCell(4), name="leaky")(embedded)))
    export(model, tmp_path / "bundle")  # compared with Keras, masked rows too
    manifest = open_bundle(tmp_path / "bundle").manifest
    forms = {artifact.format: artifact.recurrences for artifact in manifest.artifacts}
    assert [(layer.form, layer.reason) for layer in forms["tflite"]] == [("loop", None)]
    assert [layer.form for layer in forms["onnx"]] == ["keras loop"]
    assert "cell leaky" in str(forms["onnx"][0].reason)
    assert [layer.cell for layer in manifest.architecture.layers if layer.cell] == ["leaky"]
