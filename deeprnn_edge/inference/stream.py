"""Give a model a sequence chunk by chunk, and answer after each."""

from __future__ import annotations

import operator
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError, StreamError
from deeprnn_edge.inputs.chunks import ChunkRules, read_chunk
from deeprnn_edge.runtimes.session import Stepper
from deeprnn_edge.runtimes.states import begun_rows, fill_initial

Answer = NDArray[Any] | dict[str, NDArray[Any]]


class Stream:
    """Go on with sequences, as many as the batch has rows. Made by ``Model.stream``; of one thread at a time.

    Attributes:
        batch_size: its rows.
    """

    __slots__ = ("_begun", "_last", "_rules", "_stepper", "_turn", "batch_size")

    def __init__(self, stepper: Stepper, rules: ChunkRules, batch_size: int) -> None:
        self.batch_size = batch_size
        self._stepper, self._rules = stepper, rules
        self._begun = bytearray(batch_size)  # 1 for a row that has had a step
        self._last: dict[str, NDArray[Any]] | None = None
        self._turn = _Turn()

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
        """
        self._turn.begin()
        try:
            arrays = read_chunk(chunk, self._rules, self._begun)
            if arrays is None:
                return _unwrap(self._repeat_last())
            outputs = self._stepper.advance(arrays)
            if 0 in self._begun:
                self._begun[:] = b"\1" * self.batch_size
            self._remember(outputs)
            return _unwrap(outputs)
        finally:
            self._turn.end()

    def reset(self, rows: int | Sequence[int] | None = None) -> None:
        """Put some rows, by default all, back before their first step.

        Raises:
            InputError: for an unknown row.
        """
        with self._turn:
            chosen = range(self.batch_size) if rows is None else _check_rows(rows, self.batch_size)
            fill_initial(self._stepper.state, self._rules.spec.states, list(chosen))
            for row in chosen:
                self._begun[row] = 0
            if len(set(chosen)) == self.batch_size:
                self._last = None

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of the states by name, ``(batch, ...)``: ``Model.stream(state=...)`` goes on from them."""
        with self._turn:
            return {name: array.copy() for name, array in self._stepper.state.items()}

    def close(self) -> None:
        """End the stream: what is pushed from now on is an error. Closing it again is none."""
        if not self._turn.closed:
            with self._turn:
                self._turn.closed = True

    def __enter__(self) -> Stream:
        with self._turn:
            return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: two streams would move one state."""
        raise InputError("a stream cannot be copied or pickled: keep stream.state, and open model.stream(state=...)")

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a checked state."""
        for name, array in state.items():
            self._stepper.state[name][...] = array
        self._begun[:] = begun_rows(state, self._rules.spec.states).astype(np.uint8).tobytes()

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


class _Turn:
    """Let one caller at a time into a stream that is open, and refuse others instead of letting them wait."""

    __slots__ = ("_lock", "closed", "end")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.end = self._lock.release
        self.closed = False

    def begin(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise StreamError("this stream is used by two threads at once: give each thread a stream of its own")
        if self.closed:
            self.end()
            raise StreamError("this stream is closed: open another with model.stream()")

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()


def open_stream(stepper: Stepper, rules: ChunkRules, batch_size: int, state: dict[str, NDArray[Any]] | None) -> Stream:
    """Make a stream on new states; it goes on from ``state``, once ``check_state`` has passed it."""
    stream = Stream(stepper, rules, batch_size)
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
