"""Hand the states of a streaming model to each layer's call while it is traced, and collect them behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from deeprnn_export.tracing.keras_internals import without_input_check
from deeprnn_export.tracing.model_inputs import call_model
from deeprnn_export.tracing.overrides import Override, layer_paths


class Carry:
    """Hold what the calls of a model's layers carry from chunk to chunk. Without ``calls`` nothing is carried.

    Attributes:
        calls: a layer's path to the names of the states of each of its calls, in the order of the trace; none for a
            call that is not on the stream, such as a decoder's behind the last step.
        names: of all states, in order.
        given: the states that the traced chunk starts from, by name.
        left: those that it ends with, filled while tracing.
    """

    def __init__(self, calls: Mapping[str, Sequence[tuple[str, ...]]], names: Sequence[str]) -> None:
        self.calls = calls
        self.names = tuple(names)
        self.given: Mapping[str, Any] = {}
        self.left: dict[str, Any] = {}
        self._made: dict[str, int] = {}
        self._answering = False

    def next_call(self, path: str) -> tuple[str, ...]:
        """Name the states of a layer's next call."""
        # TensorFlow traces a model for itself as well, when it saves one.
        if not self._answering or path not in self.calls:
            return ()
        count = self._made[path] = self._made.get(path, 0) + 1
        return self.calls[path][count - 1]

    def take(self, names: Sequence[str], initial: Sequence[Any]) -> list[Any]:
        """Return the states that a call starts from; ``initial``, Keras's own, for a call that carries none."""
        return [self.given[name] for name in names] if names else list(initial)

    def leave(self, names: Sequence[str], states: Sequence[Any]) -> None:
        """Keep the states that a call ends with."""
        self.left.update(zip(names, states, strict=True) if names else ())

    def answers(self, model: Any, inputs: Sequence[Any], states: Sequence[Any] = ()) -> list[Any]:
        """Call a model on its inputs and the states that it starts from: its outputs, then the states it ends with.

        Args:
            states: in the order of ``names``; none where each layer starts from its own, as Keras's reference does.
        """
        with self.part(dict(zip(self.names, states, strict=bool(states))), {}):
            outputs = keras.tree.flatten(call_model(model, inputs))
        return [*outputs, *(self.left[name] for name in self.names)]

    @contextmanager
    def part(self, states: Mapping[str, Any], made: Mapping[str, int]) -> Iterator[None]:
        """Let the model's layers carry these states inside the context; elsewhere they carry none.

        Args:
            made: how many calls of each path came before, where a part of the model answers.
        """
        self.given, self.left, self._made, self._answering = states, {}, dict(made), True
        try:
            yield
        finally:
            self._answering = False


def nothing_carried() -> Carry:
    """Make a carry for a model that answers for whole sequences."""
    return Carry({}, ())


def any_length(model: keras.Model) -> list[Override]:
    """Let a model that was built for a fixed number of steps take any."""
    return [(layer, without_input_check(layer)) for layer in (model, *layer_paths(model))]
