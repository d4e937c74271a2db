"""Call a compiled model: arrays in, arrays out, the rows of a batch one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.runtimes.c.compiler import build_library
from deeprnn_edge.runtimes.c.description import Description, Port, read_description
from deeprnn_edge.runtimes.c.stepper import DTYPES, CStepper


class CSession:
    """Run one compiled model. ``run`` may be called from several threads at once."""

    def __init__(self, content: bytes, path: str) -> None:
        self._path = path
        self.description: Description = read_description(content, path)
        library = build_library(content, path)
        try:
            loaded = ctypes.CDLL(str(library))
            self._run = loaded.deeprnn_edge_run
            self._push = loaded.deeprnn_edge_push if self.description.streams else None
        except (OSError, AttributeError) as error:
            raise BundleError(f"{path}: what it compiles to cannot be called: {error}") from error
        timed = [port for port in self.description.inputs if None in port.axes]
        self._timed = timed
        self.fixed_shapes: Mapping[str, tuple[int, ...]] = {}
        if not timed:
            self.fixed_shapes = {
                port.name: (1, *(size for size in port.axes if size is not None)) for port in self.description.inputs
            }

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model: arrays of its own inputs to arrays of its outputs, both by name."""
        found = self.description
        inputs = [as_given(feeds[port.name], port) for port in found.inputs]
        rows, steps = len(inputs[0]), self._count_steps(inputs)
        outputs = [np.empty((rows, *sized(port, steps)), np.float32) for port in found.outputs]
        work = None
        if not found.streams:
            work = np.empty(sum(count * steps**power for power, count in enumerate(found.work)) + 1, np.float32)
        wrong = self._run(rows, steps, addresses(inputs), addresses(outputs), None if work is None else address(work))
        self.raise_for(wrong)
        return {port.name: array for port, array in zip(found.outputs, outputs, strict=True)}

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """Return the file's inputs and outputs; an axis of any size is a name."""
        found = self.description
        return (
            [TensorSpec(port.name, port.dtype, port.shape) for port in found.inputs],
            [TensorSpec(port.name, port.dtype, port.shape) for port in found.outputs],
        )

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None) -> CStepper:  # noqa: ARG002 - free
        """Make new states for a stream; its steps are free."""
        shapes = [tuple(one.shape[1:]) for one in spec.states]
        if self._push is None or shapes != [one.shape for one in self.description.states]:
            raise BundleError(f"{self._path} carries other states than the manifest says; export the model again")
        return CStepper(self._push, self.description, spec, rows, self.raise_for)

    def raise_for(self, wrong: int) -> None:
        """Raise what the model's error says.

        Raises:
            InputError: that names the input.
        """
        if wrong > 0:
            name = self.description.inputs[wrong - 1].name
            raise InputError(f"input {name!r} has an id that the model does not know")
        if wrong:
            raise InputError("a sequence has at least 1 step")

    def _count_steps(self, inputs: list[NDArray[Any]]) -> int:
        counts = {
            array.shape[1 + port.axes.index(None)]
            for port, array in zip(self.description.inputs, inputs, strict=True)
            if None in port.axes
        }
        if len(counts) > 1:
            raise InputError(f"the inputs have unequal numbers of steps: {', '.join(map(str, sorted(counts)))}")
        return int(counts.pop()) if counts else 0


def as_given(array: NDArray[Any], port: Port) -> NDArray[Any]:
    """Return an array as the model reads it.

    Raises:
        InputError: where its axes are not the model's.
    """
    fits = array.ndim == len(port.axes) + 1 and all(
        size in (None, own) for size, own in zip(port.axes, array.shape[1:], strict=True)
    )
    if not fits:
        expected = ", ".join("time" if size is None else str(size) for size in port.axes)
        raise InputError(f"input {port.name!r} has the shape {array.shape}; this artifact takes (batch, {expected})")
    if port.kind == "ids" and array.dtype.itemsize > 4 and array.size:  # int64 that does not fit would come round
        array = np.clip(array, -1, np.iinfo(np.int32).max)
    return np.ascontiguousarray(array.astype(DTYPES[port.kind], copy=False))


def sized(port: Port, steps: int) -> tuple[int, ...]:
    """Return the sizes of an output for so many steps, without the batch."""
    return tuple(steps if size is None else size for size in port.axes)


def address(array: NDArray[Any]) -> ctypes.c_void_p:
    """Return where an array's memory begins."""
    return ctypes.c_void_p(array.ctypes.data)


def addresses(arrays: list[NDArray[Any]]) -> Any:
    """Return the addresses of arrays as a C array."""
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
