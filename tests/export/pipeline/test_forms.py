"""The report of a conversion is held against the operators in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.bundle.artifact import Form, LoweredLayer
from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_export import export
from deeprnn_export.pipeline.forms import check_forms
from deeprnn_export.targets import TARGETS
from tests.support.workshop import assert_untouched, small

KERNEL = {"onnx": "GRU", "tflite": "UNIDIRECTIONAL_SEQUENCE_LSTM"}
FORM: dict[str, Form] = {"onnx": "native", "tflite": "fused"}
LOOP = {"onnx": "Loop", "tflite": "WHILE"}
OTHER: dict[str, Form] = {"onnx": "keras loop", "tflite": "loop"}


@pytest.mark.parametrize("name", KERNEL)
@pytest.mark.parametrize(
    ("claimed", "others", "kernels", "loops", "held"),
    [
        (1, 0, 1, 0, True),
        (1, 0, 2, 0, True),  # called twice
        (2, 0, 1, 0, True),  # of two that compute the same
        (1, 0, 1, 1, True),  # of another layer
        (0, 1, 0, 1, True),
        (0, 1, 0, 0, True),  # written out
        (2, 1, 1, 1, True),
        (1, 0, 0, 0, False),
        (1, 1, 0, 1, False),
        (0, 1, 1, 0, False),
        (0, 0, 1, 0, False),
        (2, 0, 1, 1, False),
    ],
)
def test_what_layers_are_said_to_be_is_in_the_file(
    name: str, claimed: int, others: int, kernels: int, loops: int, held: bool
) -> None:
    layers = [LoweredLayer(f"layer_{index}", FORM[name]) for index in range(claimed)]
    layers += [LoweredLayer("other", OTHER[name])] * others
    operators = {"Add": 3, KERNEL[name]: kernels, LOOP[name]: loops}
    operators = {operator: count for operator, count in operators.items() if count}
    if held:
        check_forms(TARGETS[name], "a file", layers, operators)
        return
    with pytest.raises(DeepRNNEdgeError, match=r"a file: the conversion says .*, and the file has .* please report it"):
        check_forms(TARGETS[name], "a file", layers, operators)


@pytest.mark.parametrize("form", ["keras loop", "loop"])
def test_a_forged_report_is_refused(form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forged(given: Any) -> Any:
        true = target.convert(given)
        return dataclasses.replace(true, recurrences=(LoweredLayer(true.recurrences[0].layer, form),))

    target = TARGETS["onnx"]
    monkeypatch.setitem(TARGETS, "onnx", dataclasses.replace(target, convert=forged))
    with pytest.raises(DeepRNNEdgeError, match=f"model.onnx: .* that 'gru' is {form}, and the file has 1 GRU;"):
        export(small(), tmp_path / "b", formats=["onnx"])
    assert_untouched(tmp_path)


def shared() -> keras.Model:
    """One layer that is called twice."""
    x, y = keras.Input((4, 3)), keras.Input((4, 3))
    layer = keras.layers.GRU(2)
    return keras.Model([x, y], keras.layers.Add()([layer(x), layer(y)]))


def alike() -> keras.Model:
    """Two layers of the same weights that read the same input."""
    x = keras.Input((4, 3))
    layers = [keras.layers.GRU(2, kernel_initializer="ones", recurrent_initializer="ones") for _ in range(2)]
    return keras.Model(x, keras.layers.Concatenate()([layer(x) for layer in layers]))


def stacked() -> keras.Model:
    cells = [keras.layers.GRUCell(2), keras.layers.LSTMCell(3)]
    return keras.Sequential([keras.Input((4, 3)), keras.layers.RNN(cells)])


def both_ways() -> keras.Model:
    one, other = keras.layers.GRU(2), keras.layers.GRU(3, go_backwards=True)
    unequal = keras.layers.Bidirectional(one, backward_layer=other)
    return keras.Sequential(
        [keras.Input((4, 3)), keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True)), unequal]
    )


def loop() -> keras.Model:
    layers = [keras.layers.LSTM(2, activation="gelu", return_sequences=True), keras.layers.LSTM(2)]
    return keras.Sequential([keras.Input((4, 3)), *layers])


class Dropping(keras.Model):
    """Computes what nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.unread = keras.layers.GRU(2), keras.layers.GRU(2)

    def call(self, x: Any) -> Any:
        self.unread(x)
        return self.read(x)


def dropping() -> keras.Model:
    model = Dropping()
    model(np.zeros((1, 4, 3), np.float32))
    return model


@pytest.mark.one_in(6)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("model", [shared, alike, stacked, both_ways, loop, dropping])
def test_what_is_no_mistake(model: Callable[[], keras.Model], tmp_path: Path) -> None:
    manifest = export(model(), tmp_path / "b")
    assert len(manifest.artifacts) == sum(target.by_default for target in TARGETS.values())
