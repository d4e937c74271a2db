"""Describe Elman's cell, Keras's SimpleRNN (Cognitive Science 14, 1990): ``h_t = f(W x_t + U h_(t-1) + b)``."""

from __future__ import annotations

import keras
import tensorflow as tf

from deeprnn_export.cells.cell import Cell, NativeNode, Recurrence, Step


def _step(recurrence: Recurrence) -> Step:
    activate, kernel = recurrence.activation, recurrence.recurrent_kernel
    return lambda inputs, states: [activate(inputs[0] + tf.matmul(states[0], kernel))]


CELL = Cell(
    name="rnn",
    layer=keras.layers.SimpleRNN,
    keras_cell=keras.layers.SimpleRNNCell,
    states=("h",),
    parts=(1,),
    node=NativeNode("RNN", gates=(0,), activations=("activation",)),
    step=_step,
)
