"""Give a model a sequence chunk by chunk, and answer after each."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.errors import InputError, StreamError
from deeprnn_edge.inference.names import (
    EVERY_STEP,
    Answered,
    Label,
    Named,
    check_count,
    decide,
    is_named,
    label_of,
    name_rows,
    scale_back,
)
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.chunks import ChunkRules, read_chunk
from deeprnn_edge.inputs.items import given_steps
from deeprnn_edge.runtimes import forks
from deeprnn_edge.runtimes.session import Session, Stepper
from deeprnn_edge.runtimes.states import begun_rows, fill_initial

Answer = NDArray[Any] | dict[str, NDArray[Any]]
Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def _in_turn(method: Callable[Concatenate[Stream, Given], Returned]) -> Callable[Concatenate[Stream, Given], Returned]:
    """Let one caller at a time into a stream that is open, and refuse others instead of letting them wait.

    Callers stand in a line, and only the first of it goes in. A signal's handler that raises, such as Ctrl-C's, is run
    after a call has returned, so that no lock could be taken and noted without a moment between. Here there is none: to
    join the line is one call inside of the try, and to leave it the first one behind, and nobody leaves for another.
    """

    @functools.wraps(method)
    def call(self: Stream, /, *words: Given.args, **options: Given.kwargs) -> Returned:
        line, me = self._line, object()
        try:
            line.append(me)
            if line[0] is not me:
                raise StreamError(self._in_use())
            if self._closed and method.__name__ != "close":
                raise StreamError("this stream is closed: open another with model.stream()")
            if not self._settled:
                self._settle()
            self._settled = False
            try:
                returned = method(self, *words, **options)
            except Exception:
                self._settled = True  # the state is as it was
                raise
            self._settled = True
            return returned
        finally:
            line.remove(me)

    return call


class Stream:
    """Go on with sequences, as many as the batch has rows. Made by ``Model.stream``; of one thread at a time.

    Attributes:
        batch_size: its rows.
    """

    __slots__ = (
        "_begun",
        "_classes",
        "_closed",
        "_last",
        "_line",
        "_manifest",
        "_process",
        "_rules",
        "_scaled",
        "_session",
        "_settled",
        "_stepper",
        "batch_size",
    )

    def __init__(
        self, session: Session, stepper: Stepper, rules: ChunkRules, batch_size: int, manifest: Manifest
    ) -> None:
        self.batch_size = batch_size
        self._session, self._stepper, self._rules, self._manifest = session, stepper, rules, manifest
        answer = manifest.answer
        self._scaled = answer if answer is not None and answer.kind == "number" else None
        self._classes: list[int | None] = [None] * batch_size  # of each row's last step, for a spelling
        self._begun = bytearray(batch_size)  # 1 for a row that has had a step
        self._last: dict[str, NDArray[Any]] | None = None
        self._settled = True  # False within a call, and after one that was interrupted
        self._line: list[object] = []
        self._process = os.getpid()
        self._closed = False

    @_in_turn
    def push(self, chunk: Any) -> Answer:
        """Return the model's answer after this chunk.

        Args:
            chunk: ids ``(batch, time)`` or feature vectors ``(batch, time, features)``, as ``Model.run`` takes them;
                for a batch of 1 also without the first axis, or a text; for a larger one a list of texts. The first
                text of a row follows the start id, as in ``Model.predict``. A chunk without steps has the last answer.

        Returns:
            One row a sequence; of a model that answers every step, the steps of this chunk: an array, or a dict by name
            for a model with several outputs.

        Raises:
            InputError: for what ``Model.run`` refuses; the state is then as it was.
            StreamError: for a stream that is closed or used by two threads at once; the state is then as it was.

        An interrupt (Ctrl-C) leaves the stream with the chunk or without it, and ready for the next.
        """
        return _unwrap(self._advance(chunk)[0])

    @_in_turn
    def classify(self, chunk: Any, *, top_k: int = 3) -> list[list[tuple[str, float]]]:
        """Return the names of the answer after this chunk, as ``Model.classify`` gives them.

        Args:
            chunk: as for ``push``.
            top_k: how many classes to give of each row, where the answer is one class.

        Returns:
            For each row pairs of name and number. Of a model that answers every step, those of this chunk; of a
            spelling those that are new with it. A stream that was opened with a state begins a new spelling.

        Raises:
            InputError: for what ``push`` and ``Model.classify`` refuse.
            StreamError: as for ``push``.
        """
        check_count(top_k)
        outputs, arrays = self._advance(chunk)
        return self._name(outputs, arrays, top_k)

    @_in_turn
    def answer(self, chunk: Any) -> list[Answered]:
        """Return numbers and names at once, row for row, as ``Model.answer`` gives them; see ``classify``.

        Raises:
            InputError: for what ``push`` refuses.
            StreamError: as for ``push``.
        """
        outputs, arrays = self._advance(chunk)
        labels: list[Label] = [None] * self.batch_size
        if is_named(self._manifest):
            labels = [label_of(row, self._manifest) for row in self._name(outputs, arrays, 1)]
        rows = [{name: values[row] for name, values in outputs.items()} for row in range(self.batch_size)]
        return [Answered(*pair) for pair in zip(rows, labels, strict=True)]

    @_in_turn
    def reset(self, rows: int | Sequence[int] | None = None) -> None:
        """Put some rows, by default all, back before their first step.

        Raises:
            InputError: for an unknown row.
        """
        chosen = range(self.batch_size) if rows is None else _check_rows(rows, self.batch_size)
        fill_initial(self._stepper.state, self._rules.spec.states, list(chosen))
        for row in chosen:
            self._begun[row], self._classes[row] = 0, None
        if len(set(chosen)) == self.batch_size:
            self._last = None

    @property
    @_in_turn
    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of the states by name, ``(batch, ...)``: ``Model.stream(state=...)`` goes on from them."""
        return {name: array.copy() for name, array in self._stepper.state.items()}

    @_in_turn
    def close(self) -> None:
        """End the stream: what is pushed from now on is an error. Closing it again is none."""
        self._closed = True

    @_in_turn
    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: two streams would move one state."""
        raise InputError("a stream cannot be copied or pickled: keep stream.state, and open model.stream(state=...)")

    def _advance(self, chunk: Any) -> tuple[dict[str, NDArray[Any]], Arrays | None]:
        """Return the outputs after a chunk, and the arrays it became; None where it held no step."""
        arrays = read_chunk(chunk, self._rules, self._begun)
        if arrays is None:
            return self._repeat_last(), None
        outputs = forks.call(self._session, self._stepper.advance, arrays)
        if self._scaled is not None:
            outputs = {name: scale_back(values, self._scaled) for name, values in outputs.items()}
        if 0 in self._begun:
            self._begun[:] = b"\1" * self.batch_size
        self._remember(outputs)
        return outputs, arrays

    def _name(self, outputs: dict[str, NDArray[Any]], arrays: Arrays | None, top_k: int) -> list[list[Named]]:
        answer, kept = self._manifest.answer, None
        values = _unwrap(outputs)
        if answer is None or answer.kind not in EVERY_STEP or isinstance(values, dict):
            return name_rows(values, self._manifest, top_k=top_k)
        if arrays is None:  # no step, and the last one's name was given
            return [[] for _ in range(self.batch_size)]
        if answer.skips_padding:
            kept = given_steps(next(iter(arrays.values())), self._rules.preprocessing)
        rows = name_rows(values, self._manifest, kept=kept, last=self._classes)
        for row, steps in enumerate(decide(values, answer)):
            left = steps if kept is None or kept.shape[1] != len(steps) else steps[kept[row]]
            if len(left):
                self._classes[row] = int(left[-1])
        return rows

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a checked state."""
        for name, array in state.items():
            self._stepper.state[name][...] = array
        self._begun[:] = begun_rows(state, self._rules.spec.states).astype(np.uint8).tobytes()

    def _settle(self) -> None:
        """Find out, after an interrupt, whether the chunk was taken: which rows have begun, the states say."""
        begun = begun_rows(self._stepper.state, self._rules.spec.states)
        self._begun[:] = begun.astype(np.uint8).tobytes()
        self._last = None  # the answer to the chunk may be lost, and its names
        self._classes = [None] * self.batch_size
        self._settled = True

    def _in_use(self) -> str:
        if os.getpid() != self._process:
            return "this process was forked while another thread used the stream: open another with model.stream()"
        return "this stream is used by two threads at once: give each thread a stream of its own"

    def _repeat_last(self) -> dict[str, NDArray[Any]]:
        if self._last is None:
            raise InputError("the chunk holds no step, and the stream has no answer yet to repeat: push a step first")
        return {name: array.copy() for name, array in self._last.items()}

    def _remember(self, outputs: dict[str, NDArray[Any]]) -> None:
        """Keep copies, as the caller may write into what is returned."""
        last = self._last
        if last is None:
            last = self._last = {}
        for name, array in outputs.items():
            kept = last.get(name)
            if kept is None or kept.shape != array.shape:
                last[name] = array.copy()
            else:
                kept[...] = array


def open_stream(
    session: Session,
    stepper: Stepper,
    rules: ChunkRules,
    batch_size: int,
    state: dict[str, NDArray[Any]] | None,
    manifest: Manifest,
) -> Stream:
    """Make a stream on new states; it goes on from ``state``, once ``check_state`` has passed it."""
    stream = Stream(session, stepper, rules, batch_size, manifest)
    if state is not None:
        stream._restore(state)
    return stream


def _unwrap(outputs: dict[str, NDArray[Any]]) -> Answer:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _check_rows(rows: Any, batch_size: int) -> list[int]:
    given = list(rows) if isinstance(rows, Sequence | np.ndarray) and not isinstance(rows, str | bytes) else [rows]
    checked = []
    for row in given:
        try:
            # A mask of True and False would otherwise be read as the rows 1 and 0.
            number = None if isinstance(row, bool | np.bool_) else operator.index(row)
        except TypeError:
            number = None
        if number is None:
            raise InputError(f"reset takes numbers of rows, got {row!r}")
        if not 0 <= number < batch_size:
            raise InputError(
                f"reset of row {number}: the stream has a batch of {batch_size}, rows 0 to {batch_size - 1}"
            )
        checked.append(number)
    return checked
