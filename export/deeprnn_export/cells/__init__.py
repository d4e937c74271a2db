"""Describe the recurrent cells: a file for each, with all that is particular to it, and the list of them.

Enters: a cell of Keras. Leaves: its states, the form of its native node, its step written out.
Looks at: nothing above it, and names no format.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from deeprnn_export.cells.cell import Cell

# Each is a module here that has a CELL; read when one is needed, as it needs Keras, and the command line the names.
CELLS = ("rnn", "lstm", "gru")


@cache
def cell_named(name: str) -> Cell:
    """Return the cell of a name in ``CELLS``."""
    cell: Cell = import_module(f"{__name__}.{name}").CELL
    return cell


def cell_of(keras_cell: Any) -> Cell | None:
    """Find a cell by its exact class; None for others: a subclass may compute something else under the same name."""
    return next((cell for cell in map(cell_named, CELLS) if type(keras_cell) is cell.keras_cell), None)
