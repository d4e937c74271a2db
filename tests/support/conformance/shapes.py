"""Rows on what a recurrent layer takes and returns: sequences, states, direction, batch and time."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np

from tests.support.conformance.row import (
    FEATURES,
    STEPS,
    UNITS,
    Row,
    each_cell,
    embedded,
    features,
    in_turn,
    stack,
    tokens,
)
from tests.support.keras_models import CELLS

STATEFUL = "`stateful`, from its initial state"


def rows() -> list[Row]:
    """Every row of the module."""
    each = partial(each_cell, "Shapes and states")
    outputs, backwards, axes, start = (
        "`return_sequences`, `return_state`",
        "`go_backwards`",
        "time and batch:",
        "initial state from inputs, from another layer",
    )
    return [
        *in_turn(
            each(outputs, lambda cell: features(_sequences(cell)), name="sequences", nodes=1),
            each(outputs, lambda cell: _states_out(cell, sequences=False), name="states", nodes=1),
            each(outputs, lambda cell: _states_out(cell, sequences=True), name="both", nodes=1),
        ),
        *in_turn(
            each(backwards, lambda cell: tokens(*stack(cell, 1, go_backwards=True)), nodes=1),
            each(
                backwards,
                lambda cell: features(_sequences(cell, go_backwards=True), _sequences(cell), mask=0.0),
                name="sequences, masked",
                nodes=2,
            ),
        ),
        *each("`unroll`", lambda cell: tokens(*stack(cell, 2, unroll=True), mask=True), nodes=2),
        *in_turn(
            *[
                each(
                    "1 to 10 layers",
                    lambda cell, depth=depth: tokens(*stack(cell, depth), mask=depth % 2 == 0),
                    name=str(depth),
                    nodes=depth,
                )
                for depth in range(2, 11)
            ]
        ),
        *in_turn(
            each(axes, lambda cell: tokens(*stack(cell, 2), steps=None), name="symbolic time", length=STEPS, nodes=2),
            each(axes, lambda cell: features(*stack(cell, 2), steps=1), name="one step", nodes=2),
            each(axes, _fixed_batch, name="a fixed batch", nodes=2),
        ),
        *in_turn(
            each(start, _states_in, name="inputs", nodes=1),
            each(start, _image_caption, name="Dense", nodes=1),
        ),
        *each("encoder–decoder", _encoder_decoder, nodes=2),
        *in_turn(
            each(STATEFUL, _stateful, twin=partial(_stateful, stateful=False), nodes=1),
            each(
                STATEFUL,
                lambda cell: _called(_stateful(cell, mask=True, depth=2)),
                name="masked stack after a call",
                twin=partial(_stateful, mask=True, depth=2, stateful=False),
                nodes=2,
            ),
            each(
                STATEFUL,
                _stateful_both_ways,
                name="Bidirectional",
                twin=partial(_stateful_both_ways, stateful=False),
                nodes=1,
            ),
        ),
    ]


def _sequences(cell: str, **options: bool) -> keras.layers.Layer:
    return CELLS[cell](UNITS, return_sequences=True, **options)


def _states_out(cell: str, *, sequences: bool) -> keras.Model:
    inputs, vectors = embedded()
    return keras.Model(inputs, CELLS[cell](UNITS, return_state=True, return_sequences=sequences)(vectors))


def _fixed_batch(cell: str) -> keras.Model:
    inputs = keras.Input(batch_shape=(3, STEPS, FEATURES), name="features")
    return keras.Model(inputs, CELLS[cell](3)(_sequences(cell)(keras.layers.Masking()(inputs))))


def _states_in(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    count = 2 if cell == "lstm" else 1
    states = [keras.Input((UNITS,), name=f"state_{number}") for number in range(count)]
    return keras.Model(
        [inputs, *states], CELLS[cell](UNITS, return_sequences=True, return_state=True)(vectors, initial_state=states)
    )


def _image_caption(cell: str) -> keras.Model:
    """A picture's vector starts a language model, as captioning does it."""
    picture = keras.Input((6,), name="picture")
    words, vectors = embedded("words")
    start = keras.layers.Dense(UNITS, activation="tanh")(picture)
    states = [start, keras.layers.Dense(UNITS)(picture)] if cell == "lstm" else start
    return keras.Model([picture, words], keras.layers.Dense(5)(_sequences(cell)(vectors, initial_state=states)))


def _encoder_decoder(cell: str) -> keras.Model:
    source, read = embedded("source")
    target, written = embedded("target", steps=STEPS + 1)
    encoded, *states = CELLS[cell](UNITS, return_state=True)(read)
    decoded = _sequences(cell)(written, initial_state=states)
    return keras.Model([source, target], [keras.layers.Dense(3)(decoded), encoded, states[-1]])


def _stateful(cell: str, *, mask: bool = False, depth: int = 1, stateful: bool = True) -> keras.Model:
    inputs = keras.Input(batch_shape=(2 if stateful else None, STEPS, FEATURES), name="features")
    masking = [keras.layers.Masking()] if mask else []
    return keras.Sequential([inputs, *masking, *stack(cell, depth, stateful=stateful)])


def _called(model: keras.Model) -> keras.Model:
    """The model with the state that data left in it."""
    model(np.random.default_rng(1).standard_normal((2, STEPS, FEATURES)).astype(np.float32))
    return model


def _stateful_both_ways(cell: str, *, stateful: bool = True) -> keras.Model:
    inputs = keras.Input(batch_shape=(2 if stateful else None, STEPS, FEATURES), name="features")
    return keras.Model(inputs, keras.layers.Bidirectional(_sequences(cell, stateful=stateful))(inputs))
