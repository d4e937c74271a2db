"""Read what a Keras recurrent layer computes, once, as plain numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_export.cells import cell_of
from deeprnn_export.cells.cell import Cell, Recurrence
from deeprnn_export.tracing.keras_internals import has_keras_loop
from deeprnn_export.tracing.tensorflow_internals import made_by


def read_recurrences(layer: keras.layers.RNN, path: str) -> list[Recurrence] | str:
    """Read the cells of a built recurrent layer, from the input up: one, or those of StackedRNNCells.

    Returns:
        Or, for a layer whose recurrence only Keras knows, the reason in a few words.
    """
    if not has_keras_loop(layer):
        return f"class {type(layer).__name__} has an inner_loop of its own"
    inner, kinds = keras_cells(layer), list(map(cell_of, keras_cells(layer)))
    if None in kinds:
        return f"cells of class {type(inner[kinds.index(None)]).__name__} have no native form"
    names = [f"{path}/{index}" for index in range(len(inner))] if is_stacked(layer) else [path]
    return [
        _read(cell, kind, layer, name, top=cell is inner[-1])
        for cell, kind, name in zip(inner, kinds, names, strict=True)
        if kind is not None
    ]


def is_stacked(layer: keras.layers.RNN) -> bool:
    """Return whether a layer's cell is made of several, even of one: their states come in a structure of their own."""
    return type(layer.cell) is keras.layers.StackedRNNCells


def keras_cells(layer: keras.layers.RNN) -> list[Any]:
    """List the cells of a layer, from the input up."""
    return list(layer.cell.cells) if is_stacked(layer) else [layer.cell]


def _read(cell: Any, kind: Cell, layer: keras.layers.RNN, name: str, *, top: bool) -> Recurrence:
    kernel = _array(cell.kernel)
    rows = 2 if kind.has_recurrent_bias(cell) else 1
    bias, *further = (_array(cell.bias) if cell.use_bias else np.zeros((rows, kernel.shape[1]), np.float32)).reshape(
        rows, -1
    )
    # A masked step of a lower cell is masked in the next one too, whatever it holds.
    zeros = bool(layer.zero_output_for_mask) and top
    mirrored = zeros and bool(layer.unroll and layer.go_backwards and layer.return_sequences)
    return Recurrence(
        name=name,
        cell=kind,
        units=int(cell.units),
        kernel=kernel,
        recurrent_kernel=_array(cell.recurrent_kernel),
        bias=bias,
        recurrent_bias=further[0] if further else None,
        activation=cell.activation,
        recurrent_activation=getattr(cell, "recurrent_activation", cell.activation),
        go_backwards=bool(layer.go_backwards),
        zero_output_for_mask=zeros and not mirrored,
        mirrored_zeros=mirrored,
        return_sequences=bool(layer.return_sequences) or not top,
        return_state=bool(layer.return_state),
    )


def _array(variable: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def name_of(activation: Any) -> str:
    """Return an activation's name for a message: a function's, or the class's of a layer or an object."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def constant_of(state: Any) -> float | None:
    """Return the value of every element of an initial state; None where the model computes it."""
    value = tf.get_static_value(state)
    if value is None:
        operator, inputs = made_by(state)
        if operator in ("Fill", "BroadcastTo"):  # to as many rows as the batch has
            value = tf.get_static_value(inputs[operator == "Fill"])
    if value is None or np.ptp(value) != 0:
        return None
    return float(np.ravel(value)[0])


def is_zero(state: Any) -> bool:
    """Return whether an initial state is the zeros that Keras makes when none is given."""
    return constant_of(state) == 0


def as_keras_zeroes(recurrence: Recurrence, outputs: Any, mask: Any) -> Any:
    """Return outputs, in the order of time, with Keras's zeros where it takes the opposite step's mask."""
    if mask is None or not recurrence.mirrored_zeros:
        return outputs
    return tf.where(tf.reverse(tf.cast(mask, tf.bool), [1])[:, :, tf.newaxis], outputs, 0.0)
