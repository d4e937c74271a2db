"""Arrange weights as the kernels read them; the layouts are told in ``kernels/cell.h`` and ``kernels/dense.h``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_export.lowering.program.form import CellName

Floats = NDArray[np.float32]

PAD = 16  # DR_PAD
GATES: dict[CellName, int] = {"rnn": 1, "gru": 3, "lstm": 4}
# Gates whose sums go into a sigmoid, which the kernels compute as the tanh of half of them.
_HALVED: dict[CellName, tuple[int, ...]] = {"rnn": (), "gru": (0, 1), "lstm": (0, 1, 3)}


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class CellWeights:
    """Hold a cell's arrays in the order of memory.

    Attributes:
        kernel: float32, or int8 where there is a scale.
        recurrent: the same.
        bias: float32.
        scale: of each column of both matrices; None where they are float32.
    """

    kernel: NDArray[Any]
    recurrent: NDArray[Any]
    bias: Floats
    scale: Floats | None = None


def padded(units: int) -> int:
    """Return the units that the kernels compute: the next multiple of 16."""
    return -(-units // PAD) * PAD


def plain_cell(kernel: Floats, recurrent: Floats, bias: Floats) -> CellWeights:
    """Arrange a cell of any activations: as Keras has it."""
    return CellWeights(kernel, recurrent, bias)


def fast_cell(cell: CellName, kernel: Floats, recurrent: Floats, bias: Floats, *, narrow: bool = False) -> CellWeights:
    """Arrange a cell of tanh and sigmoid in panels.

    Args:
        cell: its kind; a GRU is one with ``reset_after``.
        kernel: ``(inputs, gates * units)``, Keras's own, as the next ones.
        recurrent: ``(units, gates * units)``.
        bias: ``(gates * units,)``, of a GRU ``(2, 3 * units)``.
        narrow: whether the matrices become int8, each column with a scale.

    Returns:
        The arrays in memory.
    """
    units = recurrent.shape[0]
    factors = np.ones((GATES[cell], units), np.float32)
    factors[list(_HALVED[cell])] = 0.5
    factor: Floats = factors.reshape(-1)
    kernel, recurrent = kernel * factor, recurrent * factor
    scale = None
    if narrow:
        largest = np.maximum(np.abs(kernel).max(axis=0), np.abs(recurrent).max(axis=0))
        columns = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        kernel, recurrent = (np.round(matrix / columns) for matrix in (kernel, recurrent))
        scale = _panels(cell, columns[np.newaxis])
    if cell == "gru":  # of z, r, of the candidate's inputs, of its recurrence
        one, other = bias * factor
        every = np.concatenate([(one + other)[: 2 * units], one[2 * units :], other[2 * units :]])
        arranged = _by_panels(every[np.newaxis], 4)
    else:
        arranged = _panels(cell, (bias * factor)[np.newaxis])
    kind = np.int8 if narrow else np.float32
    return CellWeights(_panels(cell, kernel).astype(kind), _panels(cell, recurrent).astype(kind), arranged, scale)


def dense_matrix(kernel: NDArray[Any]) -> NDArray[Any]:
    """Arrange ``(inputs, outputs)``: by output where they are fewer than 8, else in panels of 16 columns."""
    return kernel.T if kernel.shape[1] < 8 else _by_columns(kernel)


def dense_vector(vector: Floats) -> Floats:
    """Arrange a bias or a scale of a dense layer's outputs."""
    return vector if len(vector) < 8 else np.pad(vector, (0, padded(len(vector)) - len(vector)))


def int8_columns(kernel: Floats) -> tuple[Floats, Floats]:
    """Return a matrix's whole numbers of 8 bits and the scale of each column."""
    largest = np.abs(kernel).max(axis=0)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.round(kernel / scale), scale


def _panels(cell: CellName, matrix: NDArray[Any]) -> NDArray[Any]:
    return _by_columns(matrix) if cell == "rnn" else _by_panels(matrix, GATES[cell])


def _by_columns(matrix: NDArray[Any]) -> NDArray[Any]:
    """Arrange ``(rows, columns)`` as ``(panels, rows, 16)``."""
    rows, columns = matrix.shape
    wide = np.zeros((rows, padded(columns)), matrix.dtype)
    wide[:, :columns] = matrix
    return np.ascontiguousarray(wide.reshape(rows, -1, PAD).transpose(1, 0, 2))


def _by_panels(matrix: NDArray[Any], gates: int) -> NDArray[Any]:
    """Arrange ``(rows, gates * units)`` as ``(panels of 8 units, rows, gates, 8)``."""
    rows, units = matrix.shape[0], matrix.shape[1] // gates
    wide = np.zeros((rows, gates, padded(units)), matrix.dtype)
    wide[:, :, :units] = matrix.reshape(rows, gates, units)
    return np.ascontiguousarray(wide.reshape(rows, gates, -1, 8).transpose(2, 0, 1, 3))
