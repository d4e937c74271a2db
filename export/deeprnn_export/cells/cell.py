"""Define what a cell is to this package, and what one layer of it is as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# One step: what it reads of the inputs, one tensor for each part of the cell, and the states, to the new states.
Step = Callable[[list[Any], list[Any]], list[Any]]


@dataclass(frozen=True)
class NativeNode:
    """Describe the operator that runtimes have for a whole recurrence of a cell.

    Attributes:
        operator: its name.
        gates: the gates in its order, by their places in Keras's.
        activations: the names of a recurrence's functions, in its order.
        attributes: what it needs to be told beside size, direction and activations.
    """

    operator: str
    gates: tuple[int, ...]
    activations: tuple[str, ...]
    attributes: Callable[[Recurrence], Mapping[str, Any]] = lambda _: {}


@dataclass(frozen=True)
class Cell:
    """Hold all that is particular to one cell.

    Attributes:
        name: in the manifest and on the command line.
        layer: Keras's class for a layer of it.
        keras_cell: Keras's class for the cell itself.
        states: the names of its state tensors, each ``(batch, units)``; the first is its output.
        parts: how many gates, side by side in Keras's order, each product has that a step reads apart.
        node: the operator for all its steps; None where runtimes have none.
        step: makes one step of plain operators.
        integer_step: the same where activations are integers of 16 bits, and the recurrence with the numbers that
            it is for; None where the usual one does.
        has_recurrent_bias: whether Keras's cell has a second bias, of the product with the state.
    """

    name: str
    layer: type
    keras_cell: type
    states: tuple[str, ...]
    parts: tuple[int, ...]
    node: NativeNode | None
    step: Callable[[Recurrence], Step]
    integer_step: Callable[[Recurrence], tuple[Recurrence, Step]] | None = None
    has_recurrent_bias: Callable[[Any], bool] = lambda _: False


@dataclass(frozen=True)
class Recurrence:
    """Hold one recurrent layer of one cell: its numbers and its options.

    The layouts are Keras's own (``keras/src/layers/rnn``): gates stand side by side in the last axis.

    Attributes:
        name: the layer's path in the model, unique in it.
        kernel: ``(features, gates * units)`` float32.
        recurrent_kernel: ``(units, gates * units)`` float32.
        bias: ``(gates * units,)``; zeros where the layer has none.
        recurrent_bias: ``(gates * units,)``, added to the product with the state; None where the cell has no second.
        activation: the function itself.
        recurrent_activation: the gates'; of a cell without gates its activation too.
        mirrored_zeros: the outputs are zeroed by the mask of the opposite step, as Keras 3.15 does where
            an unrolled layer goes backwards with ``zero_output_for_mask`` (``backend.rnn`` turns the mask
            round for the steps and not for the outputs); ``zero_output_for_mask`` is False then.
        continues: the initial state is where the chunk before ended: a masked step ahead of the first kept one
            repeats it, where at the beginning of a sequence it is zero.
    """

    name: str
    cell: Cell
    units: int
    kernel: NDArray[np.float32]
    recurrent_kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    recurrent_bias: NDArray[np.float32] | None
    activation: Callable[[Any], Any]
    recurrent_activation: Callable[[Any], Any]
    go_backwards: bool
    zero_output_for_mask: bool
    mirrored_zeros: bool
    return_sequences: bool
    return_state: bool
    continues: bool = False
