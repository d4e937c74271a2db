"""Which models stream, with which states, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.streaming.plan import StreamPlan, plan_stream
from tests.support.conformance.custom_layers import LeakyGRU, MinimalCell, PeepholeCell, TraceCell
from tests.support.conformance.row import FEATURES, UNITS, features, tokens
from tests.support.keras_models import CELLS, randomised
from tests.support.stream_models import (
    Block,
    HalfStart,
    TurnedCall,
    TurnedLoop,
    TwoStates,
    around,
    beside,
    masked_by_input,
    network,
    sequences,
)

layers = keras.layers
Model = Callable[[], keras.Model]


def plan(model: keras.Model) -> StreamPlan:
    return plan_stream(randomised(model, scale=0.4), read_signature(model))


def twice(layer: layers.Layer) -> keras.Model:
    return around(lambda x: layer(layer(x)))


STATES: dict[str, tuple[Model, dict[str, tuple[int, ...]]]] = {
    "SimpleRNN": (lambda: tokens(CELLS["rnn"](4)), {"simple_rnn_h": (4,)}),
    "GRU stack": (lambda: features(sequences("gru"), CELLS["gru"](3)), {"gru_h": (4,), "gru_1_h": (3,)}),
    "LSTM": (lambda: features(CELLS["lstm"](5)), {"lstm_h": (5,), "lstm_c": (5,)}),
    "stacked cells": (
        lambda: features(layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])),
        {"rnn_0_h": (3,), "rnn_0_c": (3,), "rnn_1_h": (2,)},
    ),
    "your cell": (lambda: features(layers.RNN(TwoStates(3))), {"rnn_0": (3,), "rnn_1": (2,)}),
    "your layer": (lambda: around(Block(lambda inner, x: inner(x) + x)), {"block_gru_h": (4,)}),
    "called twice": (lambda: twice(sequences("gru")), {"gru_h": (4,), "gru_h_2": (4,)}),
    "causal convolution": (
        lambda: features(layers.Conv1D(3, 3, padding="causal", dilation_rate=2), layers.Conv1D(2, 1), CELLS["gru"](3)),
        {"conv1d_context": (4, FEATURES), "gru_h": (3,)},
    ),
    "a decoder behind the last step": (
        lambda: features(CELLS["gru"](4), layers.RepeatVector(3), layers.Bidirectional(sequences("lstm"))),
        {"gru_h": (4,)},
    ),
    "subclassed": (lambda: network(unused=True), {"lower_h": (4,), "lower_c": (4,), "upper_h": (3,)}),
    "nested": (
        lambda: features(keras.Sequential([keras.Input((5, FEATURES)), sequences("gru")], name="inner")),
        {"inner_gru_h": (4,)},
    ),
    "ConvLSTM": (
        lambda: around(layers.ConvLSTM1D(2, 3, padding="same"), (None, 6, 2)),
        {"conv_lstm1d_0": (6, 2), "conv_lstm1d_1": (6, 2)},
    ),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", STATES)
def test_the_states_are_named_after_the_layers(name: str) -> None:
    model, expected = STATES[name]
    spec = plan(model()).spec
    assert {state.name: state.shape for state in spec.states} == {
        f"state_{name}": ("batch", *sizes) for name, sizes in expected.items()
    }
    assert all(state.next_name == f"next_{state.name}" and state.initial == 0 for state in spec.states)


def test_a_constant_start_is_the_states_own() -> None:
    assert [state.initial for state in plan(features(HalfStart(3))).spec.states] == [0.5]


def test_a_fixed_time_axis_is_free() -> None:
    spec = plan(features(sequences(unroll=True), layers.TimeDistributed(layers.Dense(3)), steps=100)).spec
    assert [spec.inputs[0].shape, spec.outputs[0].shape] == [("batch", "time", FEATURES), ("batch", "time", 3)]


def test_an_input_beside_the_sequence_keeps_its_axis() -> None:
    for side, dtype in (((3,), "float32"), ((1,), "int32"), ((5,), "int32"), ((16, 3), "float32")):
        spec = plan(beside(8, side, dtype)).spec
        assert [one.shape for one in spec.inputs] == [("batch", "time"), ("batch", *side)]


def test_another_free_axis_is_refused() -> None:
    words = keras.Input((None, None), dtype="int32", name="words")
    sentences = layers.TimeDistributed(CELLS["gru"](3))(layers.Embedding(9, 2)(words))
    with pytest.raises(
        UnsupportedModelError, match=r"'words' has the shape .* build the model with a number for axis_2"
    ):
        plan(keras.Model(words, CELLS["gru"](2)(sentences)))


def test_padding_is_skipped_where_ids_are_masked() -> None:
    assert plan(tokens(CELLS["gru"](3), mask=True)).spec.skips_padding
    assert not plan(tokens(CELLS["gru"](3))).spec.skips_padding


REFUSED: dict[str, tuple[Model, str]] = {
    "Bidirectional": (lambda: features(layers.Bidirectional(CELLS["lstm"](3))), "'bidirectional'.* from its end as"),
    "go_backwards": (lambda: features(CELLS["gru"](3, go_backwards=True)), r"'gru' \(GRU\) reads .*go_backwards=True"),
    "unsaid in call": (lambda: features(TurnedCall(3)), "'turned_call' .* by those around it"),
    "unsaid in a loop": (lambda: features(TurnedLoop(3)), "'turned_loop' .* by those around it"),
    "attention": (lambda: around(lambda x: layers.Attention()([sequences()(x), x])), "'attention' .* whole sequence"),
    "heads": (
        lambda: around(lambda x: layers.MultiHeadAttention(2, 3)(sequences()(x), x)),
        "'multi_head_attention' .* attends",
    ),
    "pooling": (
        lambda: features(sequences(), layers.GlobalAveragePooling1D()),
        "'global_average_pooling1d' .* pools over time",
    ),
    "max pooling": (lambda: features(layers.MaxPooling1D(2), sequences()), "'max_pooling1d' .* pools over time"),
    "same": (lambda: features(layers.Conv1D(3, 3, padding="same"), sequences()), "'conv1d' .* steps to come"),
    "valid": (lambda: features(layers.Conv1D(3, 3), sequences(), steps=9), "'conv1d' .* fewer steps"),
    "strides": (lambda: features(layers.Conv1D(3, 2, 2, "causal"), sequences()), "'conv1d' .* every 2 steps"),
    "channels first": (
        lambda: features(layers.Conv1D(3, 1, data_format="channels_first"), sequences()),
        "'conv1d' .* behind its channels",
    ),
    "normalisation over time": (
        lambda: features(layers.GroupNormalization(2), sequences()),
        "'group_normalization' .* by those around it",
    ),
    "an operation": (lambda: around(lambda x: ops.max(sequences()(x), axis=1)), r"'max' \(Max\)"),
    "another step": (lambda: around(lambda x: sequences()(x)[:, 0]), "'get_item'"),
    "a reduced mask": (
        lambda: around(lambda x: sequences()(ops.where(ops.any(x > 0, axis=1, keepdims=True), x, -x))),
        r"'any' \(Any\)",
    ),
    "a turned mask": (
        lambda: around(lambda x: sequences()(x, mask=ops.flip(x[:, :, 0] > 0, axis=1))),
        r"'flip' \(Flip\)",
    ),
    "two time axes": (lambda: around(lambda x: ops.einsum("btf,bsf->bts", x, sequences()(x))), "'einsum'"),
    "Lambda": (
        lambda: features(layers.Lambda(lambda x: tf.reverse(x, [1]), output_shape=(None, FEATURES)), sequences()),
        "'lambda'",
    ),
    "Flatten": (lambda: features(sequences(), layers.Flatten(), layers.Dense(2)), "'flatten'"),
    "Reshape": (lambda: features(layers.Reshape((5, 2, 2)), layers.ConvLSTM1D(2, 1)), "'reshape' .* fixed number"),
    "fixed positions": (
        lambda: around(lambda x: sequences()(x + np.ones((1, 9, FEATURES), np.float32)), (9, FEATURES)),
        "'add' .* fixed number",
    ),
    "the end beside each step": (
        lambda: around(lambda x: sequences()(x * layers.Reshape((1, FEATURES))(CELLS["gru"](FEATURES)(x)))),
        r"'multiply' \(Multiply\) joins the sequence with what is known at its end",
    ),
    "within your layer": (lambda: around(Block(lambda inner, x: ops.cumsum(inner(x), axis=1))), "'block' .* around it"),
    "before the layer in yours": (
        lambda: around(Block(lambda inner, x: inner(ops.roll(x, 1, axis=1)))),
        "'block' .* around it",
    ),
    "within a subclassed model": (
        lambda: network(lambda x: ops.flip(x, axis=1)),
        r"model 'network' \(Network\) .* around it",
    ),
    "a start from another layer": (
        lambda: around(lambda x: sequences("gru")(x, initial_state=CELLS["gru"](UNITS)(x))),
        "'gru(_1)?' .* starts from a state that the model computes",
    ),
    "a learned start": (lambda: features(layers.RNN(TraceCell(3))), "'rnn' .* has learned"),
    "another start than zero, masked": (lambda: features(HalfStart(3), mask=0.0), "'half_start' .* not zero"),
    "an output that is no state, masked": (
        lambda: features(layers.RNN(PeepholeCell(3)), mask=0.0),
        "'rnn' .* repeats its output .* PeepholeCell",
    ),
    "your own loop, masked": (lambda: features(LeakyGRU(3), mask=0.0), "'leaky_gru' .* inner_loop of its own"),
    "steps behind features": (
        lambda: around(lambda x: sequences()(layers.Permute((2, 1))(x)), (FEATURES, None)),
        "input 'inputs' has its steps behind",
    ),
    "no time": (
        lambda: around(lambda x: sequences()(layers.Reshape((5, 1))(x)), (5,)),
        "no input of the model 'functional' has a time axis",
    ),
    "nothing to carry": (lambda: features(layers.Dense(3)), "no layer of the model 'sequential' reads"),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_stream_is_refused_by_name(name: str) -> None:
    model, words = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=words) as refused:
        plan(model())
    assert "leave stream=True out" in str(refused.value)


ACCEPTED: dict[str, Model] = {
    "what trains": lambda: features(
        layers.GaussianNoise(0.1), layers.SpatialDropout1D(0.3), sequences(recurrent_dropout=0.2), layers.Dropout(0.5)
    ),
    "norms": lambda: features(layers.BatchNormalization(), sequences(), layers.LayerNormalization(), sequences("gru")),
    "the last step": lambda: around(lambda x: layers.Dense(2)(sequences()(x)[:, -1])),
    "residual": lambda: around(lambda x: sequences("gru")(layers.Concatenate()([sequences()(x) + x, x]))),
    "vectors from numbers": lambda: around(lambda x: sequences()(ops.expand_dims(x, -1)), (None,)),
    "Reshape": lambda: features(layers.Reshape((-1, 2, 2)), layers.TimeDistributed(layers.Flatten()), sequences()),
    "sequences of sequences": lambda: around(
        lambda x: sequences()(layers.TimeDistributed(layers.Bidirectional(CELLS["lstm"](3)))(x)), (None, 5, FEATURES)
    ),
    "your cell, masked": lambda: features(layers.RNN(MinimalCell(3)), mask=0.0),
    "zeros at masked steps": lambda: features(layers.RNN(PeepholeCell(3), zero_output_for_mask=True), mask=0.0),
    "your own loop": lambda: features(LeakyGRU(3)),
    "a mask of its own": masked_by_input,
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_each_step_decides_streams(name: str) -> None:
    assert plan(ACCEPTED[name]()).spec.states


def test_planning_leaves_the_model_as_it_was() -> None:
    model = randomised(features(sequences("gru", unroll=True), CELLS["lstm"](3)))
    sample = np.random.default_rng(0).standard_normal((2, 5, FEATURES)).astype(np.float32)
    before = model(sample).numpy()
    plan_stream(model, read_signature(model))
    np.testing.assert_array_equal(model(sample).numpy(), before)
    assert model.layers[0].unroll
