"""Rows on masks: where they come from, and what they pass through."""

from __future__ import annotations

from functools import partial

import keras

from tests.support.conformance.row import (
    FEATURES,
    STEPS,
    UNITS,
    WORDS,
    Row,
    each_cell,
    embedded,
    features,
    in_turn,
    stack,
    tokens,
)
from tests.support.keras_models import CELLS


def rows() -> list[Row]:
    """Every row of the module."""
    each = partial(each_cell, "Masks")
    explicit, consumers = "explicit masks:", "into pooling, into Attention"
    return [
        *each("Embedding `mask_zero`", lambda cell: tokens(*stack(cell, 2), mask=True), nodes=2),
        *each(
            "Embedding `mask_zero`",
            lambda cell: tokens(*stack(cell, 2), mask=True, steps=None),
            name="symbolic time",
            cells=["gru"],
            length=STEPS,
            nodes=2,
        ),
        *in_turn(
            *[
                each(
                    "Masking with any value",
                    lambda cell, value=value: features(CELLS[cell](UNITS, return_sequences=True), mask=value),
                    name=str(value),
                    nodes=1,
                )
                for value in (0.0, -1.0, 0.5)
            ]
        ),
        *in_turn(
            each(explicit, _mask_input, name="a bool input", nodes=2),
            each(explicit, _mask_input_both_ways, name="into Bidirectional", nodes=1),
            each(explicit, _mask_computed, name="computed", nodes=1),
        ),
        *each("`zero_output_for_mask`", _zeroed, nodes=2),
        *each("through TimeDistributed, normalisation, dropout", _between, nodes=2),
        *each("through Add and Concatenate", _branches, nodes=3),
        *in_turn(each(consumers, _pooled, name="pooling", nodes=1), each(consumers, _attended, nodes=1)),
        *each("of sentences in TimeDistributed", _sentences, nodes=2),
        *each("with an initial state", _started, nodes=1),
    ]


def _mask_input(cell: str) -> keras.Model:
    inputs = keras.Input((STEPS, FEATURES), name="features")
    mask = keras.Input((STEPS,), dtype="bool", name="mask")
    first = CELLS[cell](UNITS, return_sequences=True)(inputs, mask=mask)
    return keras.Model([inputs, mask], CELLS[cell](UNITS)(first, mask=mask))


def _mask_input_both_ways(cell: str) -> keras.Model:
    inputs = keras.Input((STEPS, FEATURES), name="features")
    mask = keras.Input((STEPS,), dtype="bool", name="mask")
    return keras.Model([inputs, mask], keras.layers.Bidirectional(CELLS[cell](UNITS))(inputs, mask=mask))


def _mask_computed(cell: str) -> keras.Model:
    inputs, vectors = embedded(mask=False)
    return keras.Model(inputs, CELLS[cell](UNITS, return_sequences=True)(vectors, mask=keras.ops.greater(inputs, 3)))


def _zeroed(cell: str) -> keras.Model:
    return features(
        CELLS[cell](UNITS, return_sequences=True, zero_output_for_mask=True),
        CELLS[cell](UNITS, zero_output_for_mask=True),
        mask=0.0,
    )


def _between(cell: str) -> keras.Model:
    return features(
        CELLS[cell](UNITS, return_sequences=True),
        keras.layers.TimeDistributed(keras.layers.Dense(5, activation="relu")),
        keras.layers.LayerNormalization(),
        keras.layers.Dropout(0.5),
        CELLS[cell](UNITS),
        mask=0.0,
    )


def _branches(cell: str) -> keras.Model:
    """Two masks meet: Add and Concatenate have a rule of their own for the common one."""
    left, one = embedded("left")
    right, other = embedded("right")
    first, second = (CELLS[cell](UNITS, return_sequences=True)(vectors) for vectors in (one, other))
    joined = keras.layers.Concatenate()([first, keras.layers.Add()([first, second])])
    return keras.Model([left, right], CELLS[cell](UNITS)(joined))


def _pooled(cell: str) -> keras.Model:
    return tokens(CELLS[cell](UNITS, return_sequences=True), keras.layers.GlobalAveragePooling1D(), mask=True)


def _attended(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    outputs = CELLS[cell](UNITS, return_sequences=True)(vectors)
    return keras.Model(inputs, keras.layers.Attention()([outputs, outputs]))


def _sentences(cell: str) -> keras.Model:
    """A document of sentences of words: the inner mask belongs to each sentence."""
    sentence = keras.Sequential(
        [keras.Input((4,), dtype="int32"), keras.layers.Embedding(WORDS, FEATURES, mask_zero=True), CELLS[cell](UNITS)]
    )
    document = keras.Input((3, 4), dtype="int32", name="document")
    return keras.Model(document, CELLS[cell](UNITS)(keras.layers.TimeDistributed(sentence)(document)))


def _started(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    count = 2 if cell == "lstm" else 1
    states = [keras.Input((UNITS,), name=f"state_{number}") for number in range(count)]
    layer = CELLS[cell](UNITS, return_sequences=True, zero_output_for_mask=True, go_backwards=True)
    return keras.Model([inputs, *states], layer(vectors, initial_state=states))
