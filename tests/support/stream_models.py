"""Models that only the tests of streaming need: their layers compute between recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tests.support.conformance.custom_layers import TraceCell
from tests.support.conformance.row import FEATURES, STEPS, UNITS, WORDS
from tests.support.keras_models import CELLS

layers = keras.layers
Between = Callable[[Any], Any]


def sequences(cell: str = "lstm", units: int = UNITS, **options: Any) -> layers.Layer:
    return CELLS[cell](units, return_sequences=True, **options)


def around(compute: Between, shape: tuple[int | None, ...] = (None, FEATURES), dtype: str = "float32") -> keras.Model:
    """What ``compute`` makes of one input."""
    inputs = keras.Input(shape, dtype=dtype, name="inputs")
    return keras.Model(inputs, compute(inputs))


class Block(layers.Layer):
    """A recurrent layer, and what ``compute`` does with it."""

    def __init__(self, compute: Callable[[Any, Any], Any]) -> None:
        super().__init__(name="block")
        self.inner = sequences("gru", FEATURES)
        self.compute = compute

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    def call(self, inputs: Any) -> Any:
        return self.compute(self.inner, inputs)


class Network(keras.Model):
    """Subclassed; ``compute`` stands between its recurrent layers, and may be what hinders a stream."""

    def __init__(self, compute: Between, *, unused: bool = False) -> None:
        super().__init__(name="network")
        self.embedding = layers.Embedding(WORDS, FEATURES, mask_zero=True)
        self.lower, self.upper = sequences("lstm", name="lower"), CELLS["gru"](3, name="upper")
        self.unused = CELLS["gru"](3) if unused else None
        self.compute = compute

    def build(self, _shape: Any) -> None:
        """Nothing: without a method of its own, Keras warns of the layer that is not used."""

    def call(self, ids: Any) -> Any:
        return self.upper(self.compute(self.lower(self.embedding(ids))))


def network(compute: Between = lambda x: x, *, unused: bool = False) -> keras.Model:
    model = Network(compute, unused=unused)
    model(np.arange(2 * STEPS, dtype=np.int32).reshape(2, STEPS))
    return model


class TurnedCall(layers.LSTM):
    """Reads the sequence from its end without saying so."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        turned = ops.flip(sequences, axis=1)
        return super().call(turned, initial_state=initial_state, mask=mask, training=training)


class TurnedLoop(layers.GRU):
    """The same in its loop."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        return super().inner_loop(ops.flip(sequences, axis=1), initial_state, mask, training)


class HalfStart(layers.GRU):
    """Starts from 0.5."""

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        return [ops.full((batch_size, self.units), 0.5)]


class TwoStates(TraceCell):
    """Without the learned start."""

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        return [ops.zeros((batch_size, size)) for size in (self.units, 2)]


def beside(steps: int | None, side: tuple[int, ...], dtype: str) -> keras.Model:
    """A sequence of ids, and an input that has no steps."""
    ids = keras.Input((steps,), dtype="int32", name="ids")
    other = keras.Input(side, dtype=dtype, name="other")
    known = layers.Embedding(WORDS, 2)(other) if dtype == "int32" else other
    read = CELLS["gru"](UNITS)(layers.Embedding(WORDS, FEATURES)(ids))
    flat = layers.Flatten()(known)
    return keras.Model([ids, other], layers.Dense(2)(layers.Concatenate()([read, flat])))


def masked_by_input(steps: int | None = None) -> keras.Model:
    inputs = keras.Input((steps, FEATURES), name="inputs")
    mask = keras.Input((steps,), dtype="bool", name="mask")
    outputs = sequences("lstm")(inputs, mask=mask)
    return keras.Model([inputs, mask], [outputs, CELLS["gru"](3)(outputs, mask=mask)])
