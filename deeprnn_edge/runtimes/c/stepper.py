"""Stream through a compiled model: a stream owns its states, and buffers whose addresses are asked for once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.runtimes.c.description import Description
from deeprnn_edge.runtimes.states import fill_initial

DTYPES: dict[str, np.dtype[Any]] = {
    "ids": np.dtype(np.int32),
    "bytes": np.dtype(np.uint8),
    "floats": np.dtype(np.float32),
}


class CStepper:
    """Hold one stream's states."""

    __slots__ = (
        "_description",
        "_inputs",
        "_outputs",
        "_pointers",
        "_push",
        "_raise_for",
        "_shapes",
        "_spec",
        "_states",
        "state",
    )

    def __init__(
        self, push: Any, description: Description, spec: StreamSpec, rows: int, raise_for: Callable[[int], None]
    ) -> None:
        self._push, self._description, self._spec, self._raise_for = push, description, spec, raise_for
        self._states = np.zeros((rows, max(description.state_floats, 1)), np.float32)
        self.state: dict[str, NDArray[Any]] = {
            one.name: self._states[:, place.offset : place.offset + place.size].reshape(rows, *place.shape)
            for one, place in zip(spec.states, description.states, strict=True)
        }
        fill_initial(self.state, spec.states)
        self._shapes: list[tuple[int, ...]] = []
        self._inputs: list[NDArray[Any]] = []
        self._outputs: list[NDArray[Any]] = []
        self._pointers: tuple[Any, ...] = ()

    def advance(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Return the outputs after a chunk; an error leaves the states as they were."""
        ports = self._description.inputs
        shapes = [arrays[port.name].shape for port in ports]
        if shapes != self._shapes:
            self._fit(arrays, shapes)
        for port, array in zip(ports, self._inputs, strict=True):
            array[...] = arrays[port.name]
        if wrong := self._push(*self._pointers):
            self._raise_for(wrong)
        return {port.name: array.copy() for port, array in zip(self._description.outputs, self._outputs, strict=True)}

    def _fit(self, arrays: Arrays, shapes: list[tuple[int, ...]]) -> None:
        """Make buffers for a chunk of another length."""
        found, rows = self._description, len(self._states)
        self._shapes = shapes
        steps = count_steps(self._spec.inputs, arrays)
        self._inputs = [np.zeros(shape, DTYPES[port.kind]) for port, shape in zip(found.inputs, shapes, strict=True)]
        self._outputs = [
            np.zeros((rows, *(steps if size is None else size for size in port.axes)), np.float32)
            for port in found.outputs
        ]
        groups = [
            (ctypes.c_void_p * len(group))(*[array.ctypes.data for array in group])
            for group in (self._inputs, self._outputs)
        ]
        self._pointers = (rows, steps, *groups, ctypes.c_void_p(self._states.ctypes.data))
