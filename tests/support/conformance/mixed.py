"""Rows on models of several cells, of equal units: what one layer leaves behind must not reach another."""

from __future__ import annotations

import keras

from tests.support.conformance.row import FEATURES, STEPS, UNITS, Row, each_cell, embedded, in_turn
from tests.support.keras_models import CELLS

layers = keras.layers


def rows() -> list[Row]:
    """Every row of the module."""
    option = "the three cells in one model:"
    return [
        *each_cell("Compositions", option, _beside, name="beside each other", nodes=4),
        *in_turn(
            each_cell("Compositions", option, _stacked, name="on top of each other", nodes=4),
            each_cell("Compositions", option, _read, name="behind Conv2D and a bidirectional layer", nodes=2),
        ),
    ]


def _others(cell: str) -> list[str]:
    """The cells in turn, this one first and again last."""
    names = list(CELLS)
    place = names.index(cell)
    return [*names[place:], *names[:place], cell]


def _beside(cell: str) -> keras.Model:
    inputs = keras.Input((STEPS, FEATURES), name="features")
    return keras.Model(inputs, layers.Average()([CELLS[name](UNITS)(inputs) for name in _others(cell)]))


def _stacked(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    for name in _others(cell):
        vectors = CELLS[name](UNITS, return_sequences=True)(vectors)
    return keras.Model(inputs, vectors)


def _read(cell: str) -> keras.Model:
    """A line of text in an image, as networks for reading see it: columns become steps."""
    image = keras.Input((8, 2 * STEPS, 1), name="image")
    found = layers.MaxPooling2D((2, 2))(layers.Conv2D(3, 3, padding="same", activation="relu")(image))
    columns = layers.Reshape((STEPS, -1))(layers.Permute((2, 1, 3))(layers.BatchNormalization()(found)))
    both = layers.Bidirectional(CELLS[cell](UNITS, return_sequences=True))(columns)
    last = CELLS[_others(cell)[1]](UNITS, return_sequences=True)(both)
    return keras.Model(image, layers.Dense(5, activation="softmax")(last))
