"""Describe the GRU (Cho et al., EMNLP 2014), as Keras has it: gates ``z, r, h``, the reset gate before or after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeprnn_export.cells.cell import Cell, NativeNode, Recurrence, Step

# One call serves both gates; a softmax would run over both at once.
_ELEMENTWISE = (keras.activations.sigmoid, keras.activations.hard_sigmoid, keras.activations.tanh)


def _step(recurrence: Recurrence, *, integers: bool = False) -> Step:
    """Make GRU's step.

    Args:
        recurrence: with a recurrent bias, Keras's default, the reset gate follows the product; else it precedes it.
        integers: in other words for activations of 16 bits. No SUB, at which LiteRT aborts the process. And no bias
            of a product: the converter stores one for all steps, in the unit of one of them, so that the others add
            another number (answers of a network of 8 and 6 units were 0.05 off).
    """
    activate, gate, bias = recurrence.activation, recurrence.recurrent_activation, recurrence.recurrent_bias
    width = 2 * recurrence.units
    gates_kernel, kernel = np.split(recurrence.recurrent_kernel, [width], axis=1)

    def step(inputs: list[Any], states: list[Any]) -> list[Any]:
        (h,) = states
        gates, candidate = inputs
        recurrent = tf.matmul(h, gates_kernel)
        if bias is not None:
            recurrent += bias[:width]
        if gate in _ELEMENTWISE:
            z, r = tf.split(gate(gates + recurrent), 2, axis=1)
        else:
            z, r = map(gate, tf.split(gates + recurrent, 2, axis=1))
        if bias is not None:
            product = tf.matmul(h, kernel)
            candidate += r * product + r * bias[width:] if integers else r * (product + bias[width:])
        else:
            candidate += tf.matmul(r * h, kernel)
        candidate = activate(candidate)
        change = h + (-1.0) * candidate if integers else h - candidate
        return [z * change + candidate]

    return step


def _integer_step(recurrence: Recurrence) -> tuple[Recurrence, Step]:
    """Give the gates the whole of their bias ahead of the steps, so that the step's own is zero."""
    if recurrence.recurrent_bias is not None:
        gates = np.arange(len(recurrence.bias)) < 2 * recurrence.units
        later = np.where(gates, np.float32(0), recurrence.recurrent_bias)
        ahead = np.where(gates, recurrence.bias + recurrence.recurrent_bias, recurrence.bias)
        recurrence = replace(recurrence, bias=ahead, recurrent_bias=later)
    return recurrence, _step(recurrence, integers=True)


CELL = Cell(
    name="gru",
    layer=keras.layers.GRU,
    keras_cell=keras.layers.GRUCell,
    states=("h",),
    parts=(2, 1),
    node=NativeNode(
        "GRU",
        gates=(0, 1, 2),
        activations=("recurrent_activation", "activation"),
        attributes=lambda recurrence: {"linear_before_reset": int(recurrence.recurrent_bias is not None)},
    ),
    step=_step,
    integer_step=_integer_step,
    has_recurrent_bias=lambda cell: bool(cell.reset_after),
)
