"""What a Keras recurrent layer computes, read once as plain numbers.

The layouts are Keras's own (``keras/src/layers/rnn``): gates stand side by side in the
last axis of ``kernel`` and ``recurrent_kernel``, LSTM as ``i, f, c, o`` and GRU as ``z, r, h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.errors import UnsupportedModelError

Cell = Literal["rnn", "lstm", "gru"]

# Exact classes: a subclass may compute something else under the same name.
CELLS: dict[type, Cell] = {
    keras.layers.SimpleRNNCell: "rnn",
    keras.layers.LSTMCell: "lstm",
    keras.layers.GRUCell: "gru",
}


@dataclass(frozen=True)
class Recurrence:
    """One recurrent layer: its numbers and its options.

    kernel: ``(features, gates * units)`` float32.
    recurrent_kernel: ``(units, gates * units)`` float32.
    bias: ``(gates * units,)``, for GRU with ``reset_after`` ``(2, 3 * units)``; zeros where the
        layer has none.
    """

    name: str
    cell: Cell
    units: int
    kernel: NDArray[np.float32]
    recurrent_kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: str
    recurrent_activation: str
    reset_after: bool
    go_backwards: bool
    zero_output_for_mask: bool
    return_sequences: bool
    return_state: bool

    @property
    def states(self) -> int:
        """How many state tensors of ``(batch, units)`` the cell carries: 2 for LSTM (h, c), else 1."""
        return 2 if self.cell == "lstm" else 1


def read_recurrence(layer: keras.layers.RNN) -> Recurrence:
    """Read a built recurrent layer.

    Raises UnsupportedModelError for a cell that is not one of Keras's three, and for a layer that
    does not compute in float32.
    """
    cell = layer.cell
    kind = CELLS.get(type(cell))
    if kind is None:
        raise UnsupportedModelError(
            f"layer {layer.path!r} has a cell of class {type(cell).__name__}; "
            "only SimpleRNN, LSTM and GRU cells have an exact native form. "
            "Replace the layer by one of these three."
        )
    if layer.compute_dtype != "float32":
        raise UnsupportedModelError(
            f"layer {layer.path!r} computes in {layer.compute_dtype}; the native recurrences are float32. "
            "Rebuild the model with the dtype policy 'float32' and load the same weights."
        )
    units = int(cell.units)
    kernel, recurrent_kernel = _array(cell.kernel), _array(cell.recurrent_kernel)
    reset_after = bool(getattr(cell, "reset_after", False))
    bias_shape = (2, 3 * units) if reset_after else (kernel.shape[1],)
    return Recurrence(
        name=layer.path,
        cell=kind,
        units=units,
        kernel=kernel,
        recurrent_kernel=recurrent_kernel,
        bias=_array(cell.bias) if cell.use_bias else np.zeros(bias_shape, np.float32),
        activation=_activation_name(layer, cell.activation),
        recurrent_activation="" if kind == "rnn" else _activation_name(layer, cell.recurrent_activation),
        reset_after=reset_after,
        go_backwards=bool(layer.go_backwards),
        zero_output_for_mask=bool(layer.zero_output_for_mask),
        return_sequences=bool(layer.return_sequences),
        return_state=bool(layer.return_state or layer.stateful),
    )


def _array(variable: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _activation_name(layer: keras.layers.RNN, activation: Any) -> str:
    name = getattr(activation, "__name__", type(activation).__name__)
    if getattr(keras.activations, name, None) is not activation:
        raise UnsupportedModelError(
            f"layer {layer.path!r} uses the activation {name!r}, which is not one of Keras's own; "
            "use an activation from keras.activations, such as 'tanh' or 'relu'."
        )
    return str(name)


def is_zero(state: Any) -> bool:
    """Whether an initial state is the zeros that Keras makes when none is given."""
    value = tf.get_static_value(state)
    if value is not None:
        return not np.any(value)
    if state.op.type != "Fill":
        return False
    return not np.any(tf.get_static_value(state.op.inputs[1]))
