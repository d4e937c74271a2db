"""The one seam: every Keras recurrent layer runs its recurrence through ``inner_loop``.

``RNN.call`` prepares the states and hands over to ``inner_loop(sequences, initial_state, mask,
training)``, which returns ``(last_output, outputs, states)``; ``Bidirectional`` calls two such layers.
Replacing that method on the instances lets any model that contains them be traced with recurrences
of our choice, and leaves the user's model as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from deeprnn_export.recurrence import Recurrence, read_recurrence

# (recurrence, sequences, initial_state, mask) -> (last_output, outputs, states)
Lowering = Callable[[Recurrence, Any, list[Any], Any], tuple[Any, Any, list[Any]]]

# The seam lives on the layer instances, which two threads may share.
_lock = threading.RLock()


def recurrent_layers(model: keras.Model) -> list[keras.layers.RNN]:
    """Every recurrent layer of a model, nested and bidirectional ones too, in the model's order."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


@contextmanager
def lowered(model: keras.Model, lowering: Lowering) -> Iterator[None]:
    """Trace ``model`` inside this context to have its recurrences built by ``lowering``."""
    with _lock:
        # Read before tracing: a variable has no numpy value inside a graph.
        recurrences = [(layer, read_recurrence(layer)) for layer in recurrent_layers(model)]
        bidirectional = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Bidirectional)]
        try:
            for layer, recurrence in recurrences:
                object.__setattr__(layer, "inner_loop", _bind(recurrence, lowering))
            for layer in bidirectional:
                # On a GPU machine Bidirectional may call cuDNN before its layers (Keras 3.15).
                object.__setattr__(layer, "_can_attempt_fused_lstm", _never)
                object.__setattr__(layer, "_can_attempt_fused_gru", _never)
            yield
        finally:
            for layer, _ in recurrences:
                layer.__dict__.pop("inner_loop", None)
            for layer in bidirectional:
                layer.__dict__.pop("_can_attempt_fused_lstm", None)
                layer.__dict__.pop("_can_attempt_fused_gru", None)


def _bind(recurrence: Recurrence, lowering: Lowering) -> Callable[..., tuple[Any, Any, list[Any]]]:
    def inner_loop(
        sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        states = keras.tree.flatten(initial_state)
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        return lowering(recurrence, sequences, states, mask)

    return inner_loop


def _never(*_: Any, **__: Any) -> bool:
    return False
