"""Run streams in ONNX Runtime, with buffers that are bound once and that all streams of a session take in turn.

A stream owns its states alone. A call borrows bound buffers, copies the states in, runs, and copies them back
once the run is over: that costs two short copies, where buffers bound for each stream would cost it kilobytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.runtimes.onnx import library
from deeprnn_edge.runtimes.states import allocate, fill_initial


class OnnxStepper:
    """Hold one stream's states. Steppers of one session may advance in several threads at once, each in one."""

    __slots__ = ("_block", "_buffers", "state")

    def __init__(self, buffers: BufferPool) -> None:
        self._buffers = buffers
        self._block, self.state = allocate(buffers.spec.states, buffers.rows)
        fill_initial(self.state, buffers.spec.states)

    def advance(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Return the outputs after a chunk. The states move on after the run: an error leaves them as they were."""
        buffers = self._buffers.take()
        buffers.fill(arrays)
        buffers.before[:] = self._block
        outputs = buffers.run()
        self._block[:] = buffers.after
        self._buffers.idle.append(buffers)  # after an error they are left to the garbage collector
        return outputs


class BufferPool:
    """Keep the bound buffers for streams of one batch size: as many as ever ran at once."""

    def __init__(self, session: Any, path: str, spec: StreamSpec, rows: int) -> None:
        self._path = path
        self.spec = spec
        self.rows = rows
        self.idle: list[_Buffers] = []
        self._session = session

    def take(self) -> _Buffers:
        """Return buffers that nobody uses."""
        try:
            return self.idle.pop()
        except IndexError:
            return _Buffers(self._session, self._path, self.spec, self.rows)


class _Buffers:
    """Hold what one call reads and writes; what has a time axis is bound anew where the chunk's length differs.

    Attributes:
        before: the states that go in.
        after: the states that come out.
    """

    def __init__(self, session: Any, path: str, spec: StreamSpec, rows: int) -> None:
        self._path, self._spec, self._rows = path, spec, rows
        self._binding, self._run = library.start_binding(session)
        self.before, before = allocate(spec.states, rows)
        self.after, after = allocate(spec.states, rows)
        for state in spec.states:
            library.bind(self._binding, state.name, before[state.name], output=False)
            library.bind(self._binding, state.next_name, after[state.name], output=True)
        self._inputs: dict[str, NDArray[Any]] = {}
        self._outputs: dict[str, NDArray[Any]] = {}

    def fill(self, arrays: Arrays) -> None:
        """Copy the chunk in."""
        inputs = self._inputs
        for name, array in arrays.items():
            if name not in inputs or array.shape != inputs[name].shape:
                self._fit(arrays)
                break
        for name, array in arrays.items():
            inputs[name][...] = array

    def run(self) -> dict[str, NDArray[Any]]:
        """Run on what is in the buffers; the outputs that are returned are the caller's own."""
        try:
            self._run(self._binding)
        except Exception as error:
            library.name_failure(self._path, error)
            raise
        return {name: array.copy() for name, array in self._outputs.items()}

    def _fit(self, arrays: Arrays) -> None:
        steps = count_steps(self._spec.inputs, arrays)
        for spec in self._spec.inputs:
            self._inputs[spec.name] = self._new(spec, steps)
            library.bind(self._binding, spec.name, self._inputs[spec.name], output=False)
        for spec in self._spec.outputs:
            if "time" in spec.shape or spec.name not in self._outputs:
                self._outputs[spec.name] = self._new(spec, steps)
                library.bind(self._binding, spec.name, self._outputs[spec.name], output=True)

    def _new(self, spec: TensorSpec, steps: int) -> NDArray[Any]:
        return np.zeros([self._rows, *(steps if size == "time" else int(size) for size in spec.shape[1:])], spec.dtype)
