"""Define the constant arrays of a program, and the structs by which the kernels find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import StoredTensor
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.program.form import Activation, Constant, Convolve, Dense, Embed, Operation, Recur
from deeprnn_export.targets.c.layouts import (
    GATES,
    dense_matrix,
    dense_vector,
    fast_cell,
    int8_columns,
    padded,
    plain_cell,
)
from deeprnn_export.targets.c.literals import declare, number

# Bytes of an input matrix from which the inputs of several steps are multiplied at once: half a first cache.
_LARGE = 16 * 1024
# SimpleRNN has no gate that damps an error: int8 weights were measured to cost it 100 times what they cost the others.
_SENSITIVE = "it has no gate that damps errors"
STEPS = 12  # DR_STEPS


@dataclass
class Weights:
    """Collect definitions while the operations are written.

    Attributes:
        narrow: whether large matrices become int8.
        arrays: definitions of numbers, the same for every instruction set.
        structs: definitions of layers, which name kernels' types.
        size_bytes: of the numbers in memory.
    """

    narrow: bool
    arrays: list[str] = field(default_factory=list)
    structs: list[str] = field(default_factory=list)
    size_bytes: int = 0
    stored: list[StoredTensor] = field(default_factory=list)

    def array(self, name: str, values: NDArray[Any], layer: str) -> str:
        """Define an array; its name."""
        if values.dtype.kind == "f":
            values = np.asarray(values, np.float32)
            if np.isnan(values).any():
                raise UnsupportedModelError(f"{layer or 'the model'} has a weight that is no number (NaN)")
        self.arrays.append(declare(name, values))
        self.size_bytes += values.nbytes
        return name

    def constant(self, one: Constant) -> str:
        """Define the numbers of a constant."""
        return self.array(f"constant_{one.to.buffer}", one.values, one.layer)

    def table(self, one: Embed) -> tuple[str, str | None]:
        """Define an embedding's table; the names of its rows and of their scales."""
        number_of = one.to.buffer
        if not self.narrow:
            return self.array(f"table_{number_of}", one.table, one.layer), None
        largest = np.abs(one.table).max(axis=1)
        scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        rows = np.round(one.table / scales[:, np.newaxis]).astype(np.int8)
        self._note(one, "int8", rows.nbytes + scales.nbytes)
        return (
            self.array(f"table_{number_of}", rows, one.layer),
            self.array(f"scales_{number_of}", scales, one.layer),
        )

    def dense(self, one: Dense | Convolve) -> str:
        """Define a layer's matrix, a convolution's as one of all taps; the name of its struct."""
        number_of = one.to.buffer
        kernel = one.kernel.reshape(-1, one.kernel.shape[-1])
        scale = "0"
        if self.narrow and kernel.shape[1] >= 8 and kernel.size >= _LARGE // 4:
            whole, scales = int8_columns(kernel)
            scale = self.array(f"scale_{number_of}", dense_vector(scales), one.layer)
            kernel = whole.astype(np.int8)
        self._note(one, "int8" if scale != "0" else "fp32", kernel.nbytes)
        matrix = self.array(f"kernel_{number_of}", dense_matrix(kernel), one.layer)
        bias = self.array(f"bias_{number_of}", dense_vector(np.asarray(one.bias, np.float32)), one.layer)
        inputs, outputs = kernel.shape
        self._struct(
            "dr_dense", number_of, matrix, bias, scale, inputs, outputs, kind(one.activation), parameter(one.activation)
        )
        return f"&dr_layer_{number_of}"

    def cell(self, one: Recur) -> tuple[str, int]:
        """Define a cell's matrices; the name of its struct, and the floats of room that it needs."""
        number_of, plain = one.to.buffer, not is_fast(one)
        narrow = self.narrow and not plain and one.cell != "rnn"
        inputs, units = one.kernel.shape[0], one.units
        projects = not plain and one.kernel.nbytes > _LARGE
        if plain:
            arranged = plain_cell(one.kernel, one.recurrent, one.bias)
        else:
            arranged = fast_cell(one.cell, one.kernel, one.recurrent, one.bias, narrow=narrow)
        reason = _SENSITIVE if self.narrow and one.cell == "rnn" else None
        self._note(one, "int8" if narrow else "fp32", arranged.kernel.nbytes + arranged.recurrent.nbytes, reason)
        names = {
            name: self.array(f"{name}_{number_of}", values, one.layer)
            for name, values in (
                ("kernel", arranged.kernel), ("recurrent", arranged.recurrent), ("bias", arranged.bias)
            )
        }  # fmt: skip
        scale = "0" if arranged.scale is None else self.array(f"scale_{number_of}", arranged.scale, one.layer)
        self._struct(
            "dr_cell", number_of, f"DR_{one.cell.upper()}", inputs, units, int(plain), int(projects),
            int(one.reset_after), kind(one.activation), kind(one.gate_activation), parameter(one.activation),
            parameter(one.gate_activation), names["kernel"], names["recurrent"], names["bias"], scale,
        )  # fmt: skip
        gates, wide = GATES[one.cell], padded(units)
        room = wide + ((2 * gates + 1) * wide if plain else STEPS * gates * wide if projects else 0)
        return f"&dr_layer_{number_of}", room

    def _struct(self, type_: str, number_of: int, *values: object) -> None:
        self.structs.append(f"static const {type_} dr_layer_{number_of} = {{{', '.join(map(str, values))}}};\n")

    def _note(self, one: Operation, precision: str, size_bytes: int, reason: str | None = None) -> None:
        if self.narrow:
            self.stored.append(StoredTensor(one.layer, precision, size_bytes, reason=reason))


def is_fast(one: Recur) -> bool:
    """Return whether a cell has a kernel of its own: that of tanh and sigmoid, and of the newer GRU."""
    usual = one.activation == Activation("tanh") and (one.cell == "rnn" or one.gate_activation == Activation("sigmoid"))
    return usual and (one.cell != "gru" or one.reset_after)


def kind(activation: Activation) -> str:
    """Return an activation's name in the kernels."""
    return f"DR_{activation.name.upper()}"


def parameter(activation: Activation) -> str:
    """Return an activation's parameter in the kernels."""
    return number(float(np.float32(activation.parameter)))
