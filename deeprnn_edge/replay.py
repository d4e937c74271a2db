"""Run a case as an artifact takes it: whole, or for a stream in chunks, cut in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.golden import Case, cases_for
from deeprnn_edge.manifest import StreamSpec, TensorSpec
from deeprnn_edge.sessions import Session
from deeprnn_edge.streaming import run_from_start

Answers = dict[str, NDArray[Any]]

_LONGEST_CHUNK = 12
_SEED = 0


class Replay:
    """How an artifact takes cases.

    inputs: of the model, for whole sequences.
    stream: of a stream artifact, whose cases have its states too; None for one that takes whole sequences.
    chunk: steps that a stream takes at a time; None for any number.
    """

    def __init__(
        self, session: Session, inputs: Sequence[TensorSpec], stream: StreamSpec | None, chunk: int | None
    ) -> None:
        self._session, self._stream, self._chunk = session, stream, chunk
        self._inputs = inputs if stream is None else stream.inputs
        self._names = [spec.name for spec in self._inputs]
        if stream is not None:
            self._names += [state.name for state in stream.states]

    def choose(self, cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
        """Of the cases that are meant for such an artifact, those whose shape it takes and those that it does not."""
        meant = cases_for(self._names, cases)
        return [case for case in meant if self._takes(case)], [case for case in meant if not self._takes(case)]

    def run(self, case: Case) -> Iterator[tuple[str, Answers]]:
        """The answers to a case, under its name; of a stream, under the name of each way to cut it."""
        if self._stream is None:
            yield case.name, self._session.run(case.inputs)
            return
        for how, lengths in _cuts(_steps(self._inputs, case.inputs) or 0, self._chunk).items():
            yield f"{case.name}, {how}", self._run_chunks(self._stream, case, lengths)

    def whole(self, inputs: Mapping[str, NDArray[Any]]) -> Answers:
        """The outputs for whole sequences, which a stream begins from its initial states."""
        if self._stream is None:
            return self._session.run(inputs)
        return run_from_start(self._session, self._stream, self._chunk, inputs)

    def _takes(self, case: Case) -> bool:
        steps = _steps(self._inputs, case.inputs)
        if self._stream is not None:
            return steps is not None and steps % (self._chunk or 1) == 0
        fixed = self._session.fixed_shapes
        return all(case.inputs[name].shape[1:] == shape[1:] for name, shape in fixed.items())

    def _run_chunks(self, stream: StreamSpec, case: Case, lengths: Sequence[int]) -> Answers:
        rows = len(next(iter(case.inputs.values())))
        stepper = self._session.stepper(stream, rows=rows, chunk=self._chunk)
        for state in stream.states:
            stepper.state[state.name][:] = case.inputs[state.name]
        answers: list[Answers] = []
        for start, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
            answers.append(stepper.advance(take_steps(stream.inputs, case.inputs, int(start), int(start) + length)))
        outputs = {
            spec.name: np.concatenate([answer[spec.name] for answer in answers], axis=1)
            if "time" in spec.shape
            else answers[-1][spec.name]
            for spec in stream.outputs
        }
        return outputs | {state.next_name: stepper.state[state.name].copy() for state in stream.states}


def take_steps(specs: Sequence[TensorSpec], arrays: Mapping[str, NDArray[Any]], start: int, stop: int) -> Answers:
    """The steps from ``start`` to ``stop`` of inputs with a time axis, and the others as they are."""
    return {
        spec.name: np.ascontiguousarray(arrays[spec.name][:, start:stop]) if "time" in spec.shape else arrays[spec.name]
        for spec in specs
    }


def _steps(specs: Sequence[TensorSpec], arrays: Mapping[str, NDArray[Any]]) -> int | None:
    return next((arrays[spec.name].shape[1] for spec in specs if "time" in spec.shape), None)


def _cuts(steps: int, chunk: int | None) -> dict[str, list[int]]:
    """Ways to cut a sequence, as the lengths of the chunks: multiples of ``chunk``, where only these are taken."""
    unit = chunk or 1
    cuts = {"one chunk": [steps], ("single steps" if unit == 1 else f"chunks of {unit}"): [unit] * (steps // unit)}
    random = np.random.default_rng(_SEED)
    ragged: list[int] = []
    while (left := steps - sum(ragged)) > 0:
        ragged.append(min(left, unit * int(random.integers(1, _LONGEST_CHUNK + 1))))
    cuts["ragged chunks"] = ragged
    return {how: lengths for how, lengths in cuts.items() if how == "one chunk" or len(lengths) > 1}
