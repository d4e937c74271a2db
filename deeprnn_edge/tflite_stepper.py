"""Streams in LiteRT: one row and one chunk of fixed length at a time, on the interpreter that all share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_edge.manifest import StreamSpec
from deeprnn_edge.state_arrays import allocate, fill_initial

Arrays = Mapping[str, NDArray[Any]]


class TFLiteStepper:
    """One stream's states.

    call: arrays of one row, and of ``chunk`` steps, to those that the graph answers, one caller at a time.
    """

    __slots__ = ("_call", "_chunk", "_rows", "_spec", "state")

    def __init__(self, call: Callable[[Arrays], dict[str, NDArray[Any]]], spec: StreamSpec, rows: int, chunk: int):
        self._call, self._spec, self._rows, self._chunk = call, spec, rows, chunk
        _, self.state = allocate(spec.states, rows)
        fill_initial(self.state, spec.states)

    def advance(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """The outputs after a chunk. The states move on once every row is done: an error leaves them as they were.

        Raises InputError where the steps are no multiple of the graph's own.
        """
        timed = [spec.name for spec in self._spec.inputs if "time" in spec.shape]
        steps = arrays[timed[0]].shape[1]
        if steps % self._chunk:
            raise InputError(
                f"the chunk has {steps} steps and this TFLite stream takes {self._chunk} at a time: "
                f"push a multiple of {self._chunk}, or stream the .onnx artifact"
            )
        rows = [self._advance_row(arrays, row, steps, timed) for row in range(self._rows)]
        for state in self._spec.states:
            self.state[state.name][...] = np.concatenate([answer[state.next_name] for answer in rows])
        return {spec.name: np.concatenate([answer[spec.name] for answer in rows]) for spec in self._spec.outputs}

    def _advance_row(self, arrays: Arrays, row: int, steps: int, timed: list[str]) -> dict[str, NDArray[Any]]:
        """The outputs and next states of one row, the answers of every step joined."""
        feeds = {name: array[row : row + 1] for name, array in arrays.items()}
        feeds |= {name: array[row : row + 1] for name, array in self.state.items()}
        parts = []
        for start in range(0, steps, self._chunk):
            feeds |= {name: arrays[name][row : row + 1, start : start + self._chunk] for name in timed}
            parts.append(self._call(feeds))
            feeds |= {state.name: parts[-1][state.next_name] for state in self._spec.states}
        joined = {
            spec.name: np.concatenate([part[spec.name] for part in parts], axis=1)
            for spec in self._spec.outputs
            if "time" in spec.shape
        }
        return parts[-1] | joined
