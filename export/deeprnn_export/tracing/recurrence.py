"""What a Keras recurrent layer computes, read once as plain numbers.

The layouts are Keras's own (``keras/src/layers/rnn``): gates stand side by side in the
last axis of ``kernel`` and ``recurrent_kernel``, LSTM as ``i, f, c, o`` and GRU as ``z, r, h``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Cell = Literal["rnn", "lstm", "gru"]

# Exact classes: a subclass may compute something else under the same name.
CELLS: dict[type, Cell] = {
    keras.layers.SimpleRNNCell: "rnn",
    keras.layers.LSTMCell: "lstm",
    keras.layers.GRUCell: "gru",
}
# A layer class that replaces the loop computes what only its own loop knows.
_KERAS_LOOPS = {layer.inner_loop for layer in (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU)}


@dataclass(frozen=True)
class Recurrence:
    """One recurrent layer of one cell: its numbers and its options.

    name: the layer's path in the model, unique in it.
    mirrored_zeros: the outputs are zeroed by the mask of the opposite step, as Keras 3.15 does where
        an unrolled layer goes backwards with ``zero_output_for_mask`` (``backend.rnn`` turns the mask
        round for the steps and not for the outputs); ``zero_output_for_mask`` is False then.
    kernel: ``(features, gates * units)`` float32.
    recurrent_kernel: ``(units, gates * units)`` float32.
    bias: ``(gates * units,)``, for GRU with ``reset_after`` ``(2, 3 * units)``; zeros where the
        layer has none.
    activation, recurrent_activation: the functions themselves; SimpleRNN, which has no gates, has
        its activation as both.
    continues: the initial state is where the chunk before ended: a masked step ahead of the first kept one
        repeats it, where at the beginning of a sequence it is zero.
    """

    name: str
    cell: Cell
    units: int
    kernel: NDArray[np.float32]
    recurrent_kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: Callable[[Any], Any]
    recurrent_activation: Callable[[Any], Any]
    reset_after: bool
    go_backwards: bool
    zero_output_for_mask: bool
    mirrored_zeros: bool
    return_sequences: bool
    return_state: bool
    continues: bool = False

    @property
    def states(self) -> int:
        """How many state tensors of ``(batch, units)`` the cell carries: 2 for LSTM (h, c), else 1."""
        return 2 if self.cell == "lstm" else 1


def has_keras_loop(layer: keras.layers.RNN) -> bool:
    """Whether a layer's class leaves the loop over its steps to Keras."""
    return type(layer).inner_loop in _KERAS_LOOPS


def read_recurrences(layer: keras.layers.RNN, path: str) -> list[Recurrence] | str:
    """The cells of a built recurrent layer, from the input up: one, or those of StackedRNNCells.

    Or, for a layer whose recurrence only Keras knows, the reason in a few words.
    """
    if not has_keras_loop(layer):
        return f"class {type(layer).__name__} has an inner_loop of its own"
    stacked = type(layer.cell) is keras.layers.StackedRNNCells
    cells = layer.cell.cells if stacked else [layer.cell]
    foreign = [cell for cell in cells if type(cell) not in CELLS]
    if foreign:
        return f"cells of class {type(foreign[0]).__name__} have no native form"
    names = [f"{path}/{index}" for index in range(len(cells))] if stacked else [path]
    return [
        _read(cell, layer, name, top=index == len(cells) - 1)
        for index, (cell, name) in enumerate(zip(cells, names, strict=True))
    ]


def _read(cell: Any, layer: keras.layers.RNN, name: str, *, top: bool) -> Recurrence:
    kernel = _array(cell.kernel)
    reset_after = bool(getattr(cell, "reset_after", False))
    units = int(cell.units)
    bias_shape = (2, 3 * units) if reset_after else (kernel.shape[1],)
    # A masked step of a lower cell is masked in the next one too, whatever it holds.
    zeros = bool(layer.zero_output_for_mask) and top
    mirrored = zeros and bool(layer.unroll and layer.go_backwards and layer.return_sequences)
    return Recurrence(
        name=name,
        cell=CELLS[type(cell)],
        units=units,
        kernel=kernel,
        recurrent_kernel=_array(cell.recurrent_kernel),
        bias=_array(cell.bias) if cell.use_bias else np.zeros(bias_shape, np.float32),
        activation=cell.activation,
        recurrent_activation=getattr(cell, "recurrent_activation", cell.activation),
        reset_after=reset_after,
        go_backwards=bool(layer.go_backwards),
        zero_output_for_mask=zeros and not mirrored,
        mirrored_zeros=mirrored,
        return_sequences=bool(layer.return_sequences) or not top,
        return_state=bool(layer.return_state),
    )


def _array(variable: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def name_of(activation: Any) -> str:
    """An activation's name in a message: a function's, or the class's of a layer or an object."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def constant_of(state: Any) -> float | None:
    """The value of every element of an initial state; None where the model computes it."""
    value = tf.get_static_value(state)
    if value is None and state.op.type in ("Fill", "BroadcastTo"):  # to as many rows as the batch has
        value = tf.get_static_value(state.op.inputs[state.op.type == "Fill"])
    if value is None or np.ptp(value) != 0:
        return None
    return float(np.ravel(value)[0])


def is_zero(state: Any) -> bool:
    """Whether an initial state is the zeros that Keras makes when none is given."""
    return constant_of(state) == 0


def as_keras_zeroes(recurrence: Recurrence, outputs: Any, mask: Any) -> Any:
    """The outputs, in the order of time, with Keras's zeros where it takes the opposite step's mask."""
    if mask is None or not recurrence.mirrored_zeros:
        return outputs
    return tf.where(tf.reverse(tf.cast(mask, tf.bool), [1])[:, :, tf.newaxis], outputs, 0.0)
