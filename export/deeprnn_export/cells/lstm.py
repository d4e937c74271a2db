"""Describe the LSTM (Hochreiter and Schmidhuber, Neural Computation 9, 1997), as Keras has it: gates ``i, f, c, o``."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from deeprnn_export.cells.cell import Cell, NativeNode, Recurrence, Step


def _step(recurrence: Recurrence) -> Step:
    activate, gate, kernel = recurrence.activation, recurrence.recurrent_activation, recurrence.recurrent_kernel

    def step(inputs: list[Any], states: list[Any]) -> list[Any]:
        h, c = states
        i, f, g, o = tf.split(inputs[0] + tf.matmul(h, kernel), 4, axis=1)
        c = gate(f) * c + gate(i) * activate(g)
        return [gate(o) * activate(c), c]

    return step


CELL = Cell(
    name="lstm",
    layer=keras.layers.LSTM,
    keras_cell=keras.layers.LSTMCell,
    states=("h", "c"),
    parts=(4,),
    # i, o, f, c
    node=NativeNode("LSTM", gates=(0, 3, 1, 2), activations=("recurrent_activation", "activation", "activation")),
    step=_step,
)
