"""Hold a program: operations in order, each reading tensors and filling one buffer.

Everything is of one row of a batch, float32 but for ids. The one free size is the number of time steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
CellName = Literal["rnn", "lstm", "gru"]
CELLS: dict[str, CellName] = {"rnn": "rnn", "lstm": "lstm", "gru": "gru"}
Size = int | None  # None is the number of time steps
Shape = tuple[Size, ...]


@dataclass(frozen=True)
class Tensor:
    """Name what a buffer holds, in one of its shapes: a reshape makes another tensor of the same buffer.

    Attributes:
        buffer: its number.
        shape: with the batch, of 1, in front.
    """

    buffer: int
    shape: Shape

    @property
    def timed(self) -> bool:
        """Return whether it has the free time axis."""
        return None in self.shape

    @property
    def step_size(self) -> int:
        """Return its elements, of each step where it has a time axis."""
        return math.prod(size for size in self.shape if size is not None)


@dataclass(frozen=True)
class Activation:
    """Name one of Keras's activations.

    Attributes:
        name: as in ``keras.activations``; ``gelu_tanh`` is gelu with ``approximate``.
        parameter: its slope, threshold, largest value or alpha, where it has one.
    """

    name: str = "linear"
    parameter: float = 0.0


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Operation:
    """Fill a buffer.

    Attributes:
        layer: the layer's path in the model, for people.
        to: what it fills.
    """

    layer: str
    to: Tensor

    @property
    def reads(self) -> tuple[Tensor, ...]:
        """Return the tensors that it reads."""
        return tuple(_tensors(self, {"to", "ends"}))

    @property
    def fills(self) -> tuple[Tensor, ...]:
        """Return the tensors that it fills."""
        return tuple(_tensors(self, {field.name for field in fields(self)} - {"to", "ends"}))


@dataclass(frozen=True, eq=False)
class Input(Operation):
    """Take an input: ``kind`` is ``ids`` (int32), ``bytes`` (bool) or ``floats``."""

    kind: Literal["ids", "bytes", "floats"]
    number: int


@dataclass(frozen=True, eq=False)
class Constant(Operation):
    """Hold numbers that the model brings."""

    values: Floats


@dataclass(frozen=True, eq=False)
class ToFloat(Operation):
    """Turn the integers or bytes of an input into floats."""

    x: Tensor


@dataclass(frozen=True, eq=False)
class Embed(Operation):
    """Look ids up in a table, ``(ids, width)``."""

    ids: Tensor
    table: Floats


@dataclass(frozen=True, eq=False)
class Dense(Operation):
    """Multiply the last axis by ``kernel (inputs, outputs)`` and add ``bias``."""

    x: Tensor
    kernel: Floats
    bias: Floats
    activation: Activation


@dataclass(frozen=True, eq=False)
class Convolve(Operation):
    """Multiply windows of the second axis by ``kernel (taps, inputs, outputs)``; zeros stand ahead of the first step.

    Attributes:
        call: its place among the model's calls of layers, as in Recur.
    """

    x: Tensor
    kernel: Floats
    bias: Floats
    activation: Activation
    stride: int
    dilation: int
    before: int
    call: int

    @property
    def context(self) -> int:
        """Return the steps that the kernel looks back on."""
        return int((self.kernel.shape[0] - 1) * self.dilation)


@dataclass(frozen=True, eq=False)
class Recur(Operation):
    """Run a cell over the second axis of ``x (rows, time, inputs)``, each row by itself.

    Attributes:
        mask: ``(rows, time)``, other than 0 where a step counts; None where all do.
        initial: states that are computed, ``(rows, units)``; empty where each is ``begin``.
        begin: the value of every element of the initial states.
        ends: the final states that something reads, by number.
        kernel, recurrent, bias: Keras's own.
        sequences: whether ``to`` is ``(rows, time, units)``, in the order of time, or the last output.
    """

    x: Tensor
    mask: Tensor | None
    initial: tuple[Tensor, ...]
    begin: tuple[float, ...]
    ends: tuple[Tensor, ...]
    cell: CellName
    kernel: Floats
    recurrent: Floats
    bias: Floats
    activation: Activation
    gate_activation: Activation
    reset_after: bool
    backwards: bool
    zero_masked: bool
    sequences: bool
    call: int

    @property
    def units(self) -> int:
        """Return the size of a state."""
        return int(self.recurrent.shape[0])

    @property
    def states(self) -> int:
        """Return how many states the cell carries."""
        return 2 if self.cell == "lstm" else 1


@dataclass(frozen=True, eq=False)
class Activate(Operation):
    """Apply an activation; those over an array run over the last axis."""

    x: Tensor
    activation: Activation


@dataclass(frozen=True, eq=False)
class Combine(Operation):
    """Combine tensors element by element, as numpy broadcasts them."""

    function: str
    operands: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Reduce(Operation):
    """Reduce neighbouring axes: ``sum``, ``mean``, ``max``, ``min`` or ``product``."""

    function: str
    x: Tensor
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Join(Operation):
    """Concatenate along an axis."""

    parts: tuple[Tensor, ...]
    axis: int


@dataclass(frozen=True, eq=False)
class Slice(Operation):
    """Take every ``steps``-th element from ``begin`` on, on each axis; a begin below 0 counts from the end."""

    x: Tensor
    begin: tuple[int, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Transpose(Operation):
    """Put the axes in another order."""

    x: Tensor
    order: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tile(Operation):
    """Repeat a tensor along axes of size 1, as numpy broadcasts it to the shape."""

    x: Tensor


@dataclass(frozen=True, eq=False)
class Multiply(Operation):
    """Multiply matrices in the last two axes, ``(..., m, k)`` by ``(..., k, n)``, either of them turned first."""

    a: Tensor
    b: Tensor
    turn_a: bool
    turn_b: bool


@dataclass(frozen=True, eq=False)
class Pool(Operation):
    """Take the ``max`` or the ``mean`` of windows over the second axis; of the mean, padding does not count."""

    function: Literal["max", "mean"]
    x: Tensor
    window: int
    stride: int
    before: int


@dataclass(frozen=True)
class Program:
    """Hold what a model computes.

    Attributes:
        operations: in the order in which they run.
        outputs: in the model's order.
    """

    operations: tuple[Operation, ...]
    outputs: tuple[Tensor, ...]


def _tensors(operation: Operation, but: set[str]) -> Iterator[Tensor]:
    for field in fields(operation):
        value: Any = None if field.name in but else getattr(operation, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Tensor):
                yield one
