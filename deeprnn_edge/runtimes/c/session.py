"""Call a compiled model: arrays in, arrays out, the rows of a batch one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.runtimes.c.compiler import build_library
from deeprnn_edge.runtimes.c.description import Description, read_description
from deeprnn_edge.runtimes.c.stepper import DTYPES, CStepper

_MOST_CALLS = 256  # shapes that are remembered: those of a service's batches and lengths


@dataclass(frozen=True)
class _Call:
    """Hold what a call with inputs of certain shapes needs: output shapes, and floats of memory."""

    rows: int
    steps: int
    outputs: tuple[tuple[int, ...], ...]
    work: int


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
        self._inputs = ctypes.c_void_p * len(self.description.inputs)
        self._outputs = ctypes.c_void_p * len(self.description.outputs)
        self._names = [port.name for port in self.description.inputs]
        self._dtypes = [DTYPES[port.kind] for port in self.description.inputs]
        self._calls: dict[tuple[tuple[int, ...], ...], _Call] = {}
        self._run.argtypes = (ctypes.c_int32, ctypes.c_int32, self._inputs, self._outputs, ctypes.c_void_p)
        self.fixed_shapes: Mapping[str, tuple[int, ...]] = {}
        if not any(None in port.axes for port in self.description.inputs):
            self.fixed_shapes = {
                port.name: (1, *(size for size in port.axes if size is not None)) for port in self.description.inputs
            }

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model: arrays of its own inputs to arrays of its outputs, both by name."""
        arrays = [feeds[name] for name in self._names]
        shapes = tuple([array.shape for array in arrays])
        call = self._calls.get(shapes) or self._plan(shapes)
        for place, (array, dtype) in enumerate(zip(arrays, self._dtypes, strict=True)):
            if array.dtype != dtype or not array.flags.c_contiguous:
                arrays[place] = as_given(array, dtype)
        outputs = [np.empty(shape, np.float32) for shape in call.outputs]
        room = np.empty(call.work, np.float32) if call.work else None
        given, taken = self._inputs(*map(address, arrays)), self._outputs(*map(address, outputs))
        if wrong := self._run(call.rows, call.steps, given, taken, None if room is None else address(room)):
            self.raise_for(wrong)
        return {port.name: array for port, array in zip(self.description.outputs, outputs, strict=True)}

    run_plain = run  # source without anything static keeps nothing between calls

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

    def _plan(self, shapes: tuple[tuple[int, ...], ...]) -> _Call:
        """Check the inputs' shapes, and find what a call with them needs."""
        found, counts = self.description, set()
        for port, shape in zip(found.inputs, shapes, strict=True):
            if len(shape) != len(port.axes) + 1 or any(
                size not in (None, own) for size, own in zip(port.axes, shape[1:], strict=True)
            ):
                expected = ", ".join("time" if size is None else str(size) for size in port.axes)
                raise InputError(f"input {port.name!r} has the shape {shape}; this artifact takes (batch, {expected})")
            counts |= {own for size, own in zip(port.axes, shape[1:], strict=True) if size is None}
        if len(counts) > 1:
            raise InputError(f"the inputs have unequal numbers of steps: {', '.join(map(str, sorted(counts)))}")
        rows, steps = shapes[0][0], counts.pop() if counts else 0
        outputs = tuple((rows, *(steps if size is None else size for size in port.axes)) for port in found.outputs)
        work = 0 if found.streams else sum(count * steps**power for power, count in enumerate(found.work)) + 1
        if len(self._calls) >= _MOST_CALLS:
            self._calls.clear()
        call = self._calls[shapes] = _Call(rows, steps, outputs, work)
        return call


def as_given(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array as the model reads it."""
    if dtype.kind == "i" and array.dtype.itemsize > 4 and array.size:  # int64 that does not fit would come round
        array = np.clip(array, -1, np.iinfo(np.int32).max)
    return np.ascontiguousarray(array.astype(dtype, copy=False))


def address(array: NDArray[Any]) -> int:
    """Return where an array's memory begins: ``array.ctypes`` takes five times as long."""
    begin: int = array.__array_interface__["data"][0]
    return begin
