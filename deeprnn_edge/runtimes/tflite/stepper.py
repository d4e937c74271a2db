"""Run streams in LiteRT: one row and one chunk of fixed length at a time, on the interpreter that all share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.runtimes.states import allocate, fill_initial

RowCall = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]


class TFLiteStepper:
    """Hold one stream's states.

    Args:
        bind: the names of inputs and of outputs to a call on arrays of one row in these orders.
        spec: what the stream takes and gives.
        rows: of the stream.
        chunk: steps of one call.
    """

    __slots__ = ("_call", "_chunk", "_first", "_inputs", "_outputs", "_stepwise", "_timed", "state")

    def __init__(
        self, bind: Callable[[Sequence[str], Sequence[str]], RowCall], spec: StreamSpec, rows: int, chunk: int
    ) -> None:
        self._inputs = [one.name for one in spec.inputs]
        self._outputs = [one.name for one in spec.outputs]
        self._stepwise = ["time" in one.shape for one in spec.outputs]
        self._timed = ["time" in one.shape for one in spec.inputs]
        self._first = self._timed.index(True)
        self._call = bind(
            [*self._inputs, *(state.name for state in spec.states)],
            [*self._outputs, *(state.next_name for state in spec.states)],
        )
        self._chunk = chunk
        _, self.state = allocate(spec.states, rows)
        fill_initial(self.state, spec.states)

    def advance(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Return the outputs after a chunk. The states move on once every row is done: an error leaves them be.

        Raises:
            InputError: where the steps are no multiple of the graph's own.
        """
        inputs = [arrays[name] for name in self._inputs]
        steps = inputs[self._first].shape[1]
        if steps % self._chunk:
            raise InputError(
                f"the chunk has {steps} steps and this TFLite stream takes {self._chunk} at a time: "
                f"push a multiple of {self._chunk}, or stream the .onnx artifact"
            )
        before = list(self.state.values())
        if len(before[0]) == 1:
            outputs, after = self._advance_row(inputs, before, steps)
            # The interpreter's answers are arrays of their own: taking them over spares a copy of each.
            self.state.update(zip(self.state, after, strict=True))
            return dict(zip(self._outputs, outputs, strict=True))
        answers = [
            self._advance_row([one[row : row + 1] for one in inputs], [one[row : row + 1] for one in before], steps)
            for row in range(len(before[0]))
        ]
        rows = [np.concatenate(parts) for parts in zip(*(after for _, after in answers), strict=True)]
        # All rows in one step, so that an interrupt leaves none behind the others.
        self.state.update(zip(self.state, rows, strict=True))
        joined = [np.concatenate(parts) for parts in zip(*(outputs for outputs, _ in answers), strict=True)]
        return dict(zip(self._outputs, joined, strict=True))

    def _advance_row(
        self, inputs: list[NDArray[Any]], states: list[NDArray[Any]], steps: int
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Return one row's outputs, the answers of every step joined, and its next states."""
        count = len(self._outputs)
        if steps == self._chunk:
            answers = self._call([*inputs, *states])
            return answers[:count], answers[count:]
        parts = []
        for start in range(0, steps, self._chunk):
            chunk = [
                array[:, start : start + self._chunk] if timed else array
                for array, timed in zip(inputs, self._timed, strict=True)
            ]
            answers = self._call([*chunk, *states])
            parts.append(answers[:count])
            states = answers[count:]
        outputs = [
            np.concatenate(values, axis=1) if stepwise else values[-1]
            for stepwise, values in zip(self._stepwise, zip(*parts, strict=True), strict=True)
        ]
        return outputs, states
