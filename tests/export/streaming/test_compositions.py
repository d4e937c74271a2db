"""Chunked equals whole, for models whose parts have to be put together with care."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from deeprnn_export.reading.signature import read_signature
from deeprnn_export.streaming.carry import any_length
from deeprnn_export.streaming.plan import StreamPlan, plan_stream
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.onnx.convert import convert_to_onnx
from deeprnn_export.tracing.model_inputs import call_model
from deeprnn_export.tracing.overrides import overridden
from tests.support.conformance.custom_layers import MinimalCell, PeepholeCell
from tests.support.conformance.row import FEATURES, UNITS, features, tokens
from tests.support.keras_models import CELLS, randomised
from tests.support.stream_models import Block, HalfStart, around, beside, masked_by_input, network, sequences

layers = keras.layers
STEPS = 9
# The last step alone, every step, and cuts that leave whole chunks of each row of MASK unread.
CUTS = ((0, STEPS), range(STEPS + 1), (0, 3, 4, 7, STEPS))
# 0 is a step that does not count: all of them do; lead, interior and trail do not; none does; the last one does.
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 0, 0, 0],
        [1, 0, 0, 0, 0, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 1],
    ],
    np.bool_,
)


def _cells(activation: str = "tanh") -> list[layers.Layer]:
    """The uppermost state is neither the first one nor the last."""
    return [layers.GRUCell(3, activation=activation), layers.SimpleRNNCell(2), layers.LSTMCell(UNITS)]


def _shared(mask: float | None) -> keras.Model:
    layer = sequences("gru", FEATURES)
    return features(layer, layers.Dense(FEATURES), layer, mask=mask)


def _shared_convolution() -> keras.Model:
    layer = layers.Conv1D(FEATURES, 3, padding="causal", activation="relu")
    return around(lambda x: CELLS["lstm"](3)(layer(layer(x))))


MODELS: dict[str, Callable[[], keras.Model]] = {
    "causal convolutions": lambda: features(
        layers.Conv1D(5, 3, padding="causal", dilation_rate=3, use_bias=False),
        layers.Conv1D(3, 2, padding="causal", activation="relu"),
        sequences("gru"),
    ),
    "a convolution called twice": _shared_convolution,
    "a layer called twice": lambda: _shared(None),
    "a layer called twice, masked": lambda: _shared(0.0),
    "masked stack": lambda: tokens(sequences("lstm"), sequences("rnn"), sequences("gru"), mask=True),
    "zeros at masked steps": lambda: features(
        sequences("lstm", zero_output_for_mask=True), CELLS["gru"](3, zero_output_for_mask=True), mask=0.0
    ),
    "stacked cells": lambda: features(layers.RNN(_cells(), return_sequences=True), mask=0.0),
    "stacked cells in Keras's loop": lambda: features(layers.RNN(_cells("selu"), return_sequences=True), mask=0.0),
    "Keras's loop": lambda: features(
        sequences("lstm", activation="selu"), CELLS["gru"](3, activation="selu"), mask=0.0
    ),
    "Keras's loop, zeros": lambda: features(
        sequences("gru", activation="selu", zero_output_for_mask=True), CELLS["rnn"](3, activation="selu"), mask=0.0
    ),
    "your cell": lambda: tokens(layers.RNN(MinimalCell(3), return_sequences=True), mask=True),
    "your cell, zeros": lambda: features(
        layers.RNN(PeepholeCell(3), return_sequences=True, zero_output_for_mask=True), mask=0.0
    ),
    "nested and subclassed": lambda: network(lambda x: x * 2.0),
    "your layer": lambda: around(Block(lambda inner, x: ops.concatenate([inner(x), inner(2.0 * x)], axis=-1))),
    "a decoder behind the last step": lambda: features(
        CELLS["gru"](4), layers.RepeatVector(3), layers.Bidirectional(sequences("lstm"))
    ),
    "a mask of its own": masked_by_input,
    "an input without steps": lambda: beside(STEPS, (5,), "int32"),
    "another start than zero": lambda: features(HalfStart(3, return_sequences=True), CELLS["lstm"](2)),
    "states among the outputs": lambda: around(
        lambda x: CELLS["lstm"](3, return_sequences=True, return_state=True)(layers.Masking()(x))
    ),
    "sequences of sequences": lambda: around(
        lambda x: sequences()(layers.TimeDistributed(CELLS["gru"](3))(x)), (None, 4, FEATURES)
    ),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", MODELS)
def test_chunked_equals_whole(name: str) -> None:
    model = randomised(MODELS[name](), scale=0.5)
    signature = read_signature(model)
    plan = plan_stream(model, signature)
    session = onnxruntime.InferenceSession(convert_to_onnx(ConversionInput(model, plan.signature, stream=plan)).content)
    inputs = _inputs(plan, masked=signature.mask_values)
    with overridden(any_length(model)):
        expected = keras.tree.flatten(call_model(model, [tf.constant(inputs[spec.name]) for spec in plan.spec.inputs]))

    for row in (slice(None), slice(1, 2), slice(3, 4)):  # a batch of one has chunks in which nothing counts
        finals = []
        for cuts in CUTS:
            answers, states = _chunked(session, plan, {name: value[row] for name, value in inputs.items()}, cuts)
            finals.append(states)
            for found, whole in zip(answers, expected, strict=True):
                np.testing.assert_allclose(found, whole[row], rtol=0, atol=1e-5)
        for states in finals[1:]:
            for state, value in states.items():
                np.testing.assert_allclose(value, finals[0][state], rtol=0, atol=1e-5)


def _inputs(plan: StreamPlan, *, masked: dict[str, float]) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(3)
    inputs = {}
    for spec in plan.spec.inputs:
        sizes = [STEPS if size == "time" else int(size) for size in spec.shape[1:]]
        value = random.standard_normal((len(MASK), *sizes))
        if spec.dtype == "bool":
            value = MASK
        elif spec.dtype.startswith("int"):
            value = random.integers(1, 9, value.shape)
        if spec.name in masked:
            value[~MASK] = masked[spec.name]
        inputs[spec.name] = value.astype(spec.dtype)
    return inputs


def _chunked(
    session: Any, plan: StreamPlan, inputs: dict[str, NDArray[Any]], cuts: Iterable[int]
) -> tuple[list[NDArray[Any]], dict[str, NDArray[Any]]]:
    """The answers put together, of an output without steps the last one; and the final states."""
    spec = plan.spec
    timed = {one.name for one in (*spec.inputs, *spec.outputs) if "time" in one.shape}
    rows = len(inputs[spec.inputs[0].name])
    states = {
        state.name: np.full((rows, *map(int, state.shape[1:])), state.initial, np.float32) for state in spec.states
    }
    parts = []
    for start, stop in pairwise(cuts):
        feeds = {name: value[:, start:stop] if name in timed else value for name, value in inputs.items()}
        names = [output.name for output in session.get_outputs()]
        answers = dict(zip(names, session.run(names, {**feeds, **states}), strict=True))
        states = {state.name: answers[state.next_name] for state in spec.states}
        parts.append(answers)
    return [
        np.concatenate([part[one.name] for part in parts], axis=1) if one.name in timed else parts[-1][one.name]
        for one in spec.outputs
    ], states
