"""What the workshop uses of Keras beyond its promises: a test for each, named after what it mirrors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.tracing import keras_internals as internals
from deeprnn_export.tracing import plain_layers
from deeprnn_export.tracing.overrides import overridden


def features(layer: keras.layers.Layer, steps: int | None = 3) -> keras.Model:
    return keras.Sequential([keras.Input((steps, 2), name="x"), layer])


def functional(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((3, 2))
    return keras.Model(inputs, layer(inputs))


def table() -> keras.layers.Embedding:
    layer = layers.Embedding(4, 2)
    layer.build(())
    return layer


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.inner(x)


class OwnLoop(layers.LSTM):
    def inner_loop(self, *arguments: Any, **options: Any) -> Any:
        return super().inner_loop(*arguments, **options)


def test_functional() -> None:
    assert type(functional(layers.GRU(2))) is internals.functional_class()
    assert not isinstance(features(layers.GRU(2)), internals.functional_class())


def test_layers() -> None:
    rnn = layers.RNN(layers.StackedRNNCells([layers.GRUCell(2), layers.GRUCell(2)]))
    both = layers.Bidirectional(layers.LSTM(2))
    assert internals.inner_layers(rnn) == [rnn.cell]
    assert internals.inner_layers(rnn.cell) == rnn.cell.cells
    assert {both.forward_layer, both.backward_layer} <= set(internals.inner_layers(both))


def test_trainable_variables_and_non_trainable_variables() -> None:
    norm = layers.BatchNormalization(trainable=False)
    norm.build((None, 2))
    assert [one.name for one in internals.own_variables(norm)] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [one.name for one in internals.own_variables(norm, trainable_only=True)] == ["gamma", "beta"]
    assert internals.own_variables(Subclassed()) == []


def test_keras_history() -> None:
    dense = layers.Dense(2)
    assert internals.maker_of(dense(keras.Input((3,)))) is dense
    assert internals.maker_of(dense) is None


def test_inputs_struct() -> None:
    one, other = keras.Input((2,), name="b"), keras.Input((2,), name="a")
    model = keras.Model({"b": one, "a": other}, one + other)
    assert internals.input_structure(model).keys() == {"a", "b"}
    sequential = features(layers.GRU(2))
    assert [tensor.shape for tensor in internals.input_structure(sequential)] == [(None, 3, 2)]


def test_build_shapes_dict() -> None:
    model = Subclassed()
    assert internals.build_shapes(model) == {}
    model(np.zeros((2, 3), np.float32))
    assert list(internals.build_shapes(model).values()) == [(2, 3)]


def test_call_has_mask_arg_and_call_has_training_arg() -> None:
    assert internals.takes(layers.GRU(2), "mask")
    assert internals.takes(layers.GRU(2), "training")
    assert not internals.takes(layers.Dense(2), "mask")


def test_embeddings() -> None:
    layer = table()
    assert internals.whole_table(layer) is layer.weights[0]


def test_output_shape() -> None:
    assert internals.given_output_shape(layers.Lambda(abs, output_shape=(2,))) == (2,)
    assert internals.given_output_shape(layers.Lambda(abs)) is None


def test_inner_loop() -> None:
    layer = layers.GRU(2, return_sequences=True)
    model = features(layer)
    original = internals.loop_of(layer)
    x = np.ones((2, 3, 2), np.float32)

    def loop(sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        last, outputs, states = original(sequences, initial_state, mask, training)
        assert (last.shape, outputs.shape, [state.shape for state in states]) == ((2, 2), (2, 3, 2), [(2, 2)])
        return last + 1, outputs + 1, states

    before = np.asarray(model(x))
    with overridden([(layer, internals.with_loop(layer, loop))]):
        np.testing.assert_array_equal(np.asarray(model(x)), before + 1)


def test_inner_loop_of_a_class_of_its_own() -> None:
    assert all(map(internals.has_keras_loop, (layers.SimpleRNN(1), layers.LSTM(1), layers.GRU(1))))
    assert internals.has_keras_loop(layers.RNN(layers.GRUCell(1)))
    assert not internals.has_keras_loop(OwnLoop(1))


def test_assert_input_compatibility() -> None:
    model = functional(layers.GRU(2))
    longer = np.zeros((1, 5, 2), np.float32)
    with pytest.raises(ValueError, match="expected shape"):
        model(longer)
    free = [(layer, internals.without_input_check(layer)) for layer in (model, *model.layers)]
    with overridden(free):
        assert model(longer).shape == (1, 2)


def test_dtype_policy() -> None:
    layer = layers.Dense(2, dtype="mixed_float16")
    with overridden([(layer, internals.in_float32(layer))]):
        assert layer(np.zeros((1, 2), np.float32)).dtype == "float32"
    assert layer(np.zeros((1, 2), np.float32)).dtype == "float16"


def test_maybe_config_dropout_masks() -> None:
    layer = layers.GRU(2, dropout=0.5)
    model = features(layer)
    seed = layer.cell.seed_generator.state
    before = np.asarray(seed)
    with overridden([(layer, internals.without_loop_masks(layer))]):
        model(np.ones((1, 3, 2), np.float32))
    np.testing.assert_array_equal(np.asarray(seed), before)


def test_signbit() -> None:
    asked = []

    def test(x: Any) -> Any:
        asked.append(x)
        return plain_layers.is_negative(x)

    values = np.array([[0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, 1e-45, -1e-45]], np.float32)
    expected = keras.ops.argmax(-np.abs(values)), keras.ops.argmin(np.abs(values)), np.signbit(values)
    with overridden([internals.with_sign_test(test)]):
        found = keras.ops.argmax(-np.abs(values)), keras.ops.argmin(np.abs(values)), keras.ops.signbit(values)
    assert len(asked) == 3
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_get_dropout_mask() -> None:
    cell = layers.GRUCell(2, dropout=0.5, recurrent_dropout=0.5)
    with overridden([(cell, internals.without_cell_masks(cell))]):
        assert cell.get_dropout_mask(np.ones((1, 2))) is cell.get_recurrent_dropout_mask(np.ones((1, 2))) is None
    assert internals.without_cell_masks(layers.Dense(2)) == {}


GONE: dict[str, tuple[Callable[[], Any], str, Callable[[Any], Any]]] = {
    "functional": (lambda: keras.src.models.functional, "Functional", lambda _: internals.functional_class()),
    "layers": (lambda: layers.Dense(1), "_layers", internals.inner_layers),
    "variables": (lambda: layers.Dense(1), "_trainable_variables", internals.own_variables),
    "others": (lambda: layers.Dense(1), "_non_trainable_variables", internals.own_variables),
    "history": (lambda: keras.Input((1,)), "_keras_history", internals.maker_of),
    "inputs": (lambda: functional(layers.GRU(1)), "_inputs_struct", internals.input_structure),
    "mask": (lambda: layers.Dense(1), "_call_has_mask_arg", lambda layer: internals.takes(layer, "mask")),
    "training": (lambda: layers.Dense(1), "_call_has_training_arg", lambda layer: internals.takes(layer, "training")),
    "output shape": (lambda: layers.Lambda(abs), "_output_shape", internals.given_output_shape),
    "loop": (lambda: layers.RNN, "inner_loop", internals.loop_of),
    "loop of a class": (lambda: layers.RNN, "inner_loop", lambda _: internals.has_keras_loop(layers.GRU(1))),
    "policy": (lambda: layers.Dense(1), "_dtype_policy", internals.in_float32),
    "input check": (lambda: layers.Layer, "_assert_input_compatibility", internals.without_input_check),
    "loop masks": (lambda: layers.RNN, "_maybe_config_dropout_masks", internals.without_loop_masks),
    "cell masks": (
        lambda: keras.src.layers.rnn.dropout_rnn_cell.DropoutRNNCell,
        "get_recurrent_dropout_mask",
        internals.without_cell_masks,
    ),
}


@pytest.mark.parametrize("name", GONE)
def test_what_an_upgrade_took_away_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make, attribute, use = GONE[name]
    holder = make()
    monkeypatch.delattr(holder, attribute)
    with pytest.raises(UnsupportedModelError, match=rf"^Keras {keras.__version__} is newer than .* no {attribute} any"):
        use(holder)


def test_what_is_there_after_building_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Subclassed()
    model(np.zeros((2, 3), np.float32))
    monkeypatch.delattr(model, "_build_shapes_dict")
    with pytest.raises(UnsupportedModelError, match=r"^Keras .* no _build_shapes_dict any more; install an older"):
        internals.build_shapes(model)
    with pytest.raises(UnsupportedModelError, match=r"^Keras .* no _embeddings any more"):
        internals.whole_table(layers.Embedding(4, 2))  # not built yet
