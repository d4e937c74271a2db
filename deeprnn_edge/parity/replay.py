"""Run a case as an artifact takes it: whole, or for a stream in chunks, cut in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case, cases_for
from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.inference.stream_source import run_from_start
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.time_axis import count_steps, join_steps, take_steps
from deeprnn_edge.runtimes.session import Session

_LONGEST_CHUNK = 12
_SEED = 0


class Replay:
    """Run cases as an artifact takes them.

    Args:
        session: of the artifact.
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
        """Split the cases meant for such an artifact into those whose shape it takes and those that it does not."""
        meant = cases_for(self._names, cases)
        return [case for case in meant if self._takes(case)], [case for case in meant if not self._takes(case)]

    def run(self, case: Case) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
        """Run a case.

        Yields:
            Its name and the outputs; of a stream, the name and the outputs of each way to cut it.
        """
        if self._stream is None:
            yield case.name, self._session.run(case.inputs)
            return
        for how, lengths in _cuts(count_steps(self._inputs, case.inputs), self._chunk).items():
            yield f"{case.name}, {how}", self._run_chunks(self._stream, case, lengths)

    def is_steady(self, case: Case, other: Case) -> bool:
        """Return whether a case has the same answer to the bit when it is asked again, and again after another one.

        Nothing is reset in between, as in an app that has the library alone. A stream is asked so in every case.
        """
        if self._stream is not None:
            return True
        first, second = (self._session.run_plain(case.inputs) for _ in range(2))
        self._session.run_plain(other.inputs)
        third = self._session.run_plain(case.inputs)
        return all(first[name].tobytes() == again[name].tobytes() for again in (second, third) for name in first)

    def whole(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return the outputs for whole sequences, which a stream begins from its initial states."""
        if self._stream is None:
            return self._session.run(inputs)
        return run_from_start(self._session, self._stream, self._chunk, inputs)

    def _takes(self, case: Case) -> bool:
        if self._stream is not None:
            return count_steps(self._inputs, case.inputs) % (self._chunk or 1) == 0
        return fits(self._session, case.inputs)

    def _run_chunks(self, stream: StreamSpec, case: Case, lengths: Sequence[int]) -> dict[str, NDArray[Any]]:
        rows = len(next(iter(case.inputs.values())))
        stepper = self._session.stepper(stream, rows=rows, chunk=self._chunk)
        for state in stream.states:
            stepper.state[state.name][:] = case.inputs[state.name]
        answers: list[dict[str, NDArray[Any]]] = []
        for start, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
            answers.append(stepper.advance(take_steps(stream.inputs, case.inputs, int(start), int(start) + length)))
        outputs = join_steps(stream.outputs, answers)
        return outputs | {state.next_name: stepper.state[state.name].copy() for state in stream.states}


def fits(session: Session, inputs: Arrays) -> bool:
    """Return whether an artifact for whole sequences takes these shapes, batch aside."""
    return all(inputs[name].shape[1:] == shape[1:] for name, shape in session.fixed_shapes.items())


def _cuts(steps: int, chunk: int | None) -> dict[str, list[int]]:
    """Return ways to cut a sequence, as the lengths of the chunks: multiples of ``chunk``, where that is given."""
    unit = chunk or 1
    cuts = {"one chunk": [steps], ("single steps" if unit == 1 else f"chunks of {unit}"): [unit] * (steps // unit)}
    random = np.random.default_rng(_SEED)
    ragged: list[int] = []
    while (left := steps - sum(ragged)) > 0:
        ragged.append(min(left, unit * int(random.integers(1, _LONGEST_CHUNK + 1))))
    cuts["ragged chunks"] = ragged
    return {how: lengths for how, lengths in cuts.items() if how == "one chunk" or len(lengths) > 1}
