"""The seam: methods of a model's layers, replaced on the instances while a graph is traced.

Every Keras recurrent layer runs its recurrence through ``inner_loop``: ``RNN.call`` prepares the states
and hands over to ``inner_loop(sequences, initial_state, mask, training)``, which returns
``(last_output, outputs, states)``; ``Bidirectional`` calls two such layers. Replacing that method lets
any model that contains them be traced with recurrences of our choice, and leaves the user's model as
it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from deeprnn_export.recurrence import Recurrence, read_recurrence

# (recurrence, sequences, initial_state, mask) -> (last_output, outputs, states)
Lowering = Callable[[Recurrence, Any, list[Any], Any], tuple[Any, Any, list[Any]]]
Methods = Mapping[str, Callable[..., Any]]

# The replaced methods live on the layer instances, which two threads may share.
_lock = threading.RLock()


@contextmanager
def replaced(methods: Sequence[tuple[keras.layers.Layer, Methods]]) -> Iterator[None]:
    """Shadow methods on layer instances inside the context; restored also after an exception."""
    with _lock:
        try:
            for layer, shadows in methods:
                layer.__dict__.update(shadows)
            yield
        finally:
            for layer, shadows in methods:
                for name in shadows:
                    layer.__dict__.pop(name, None)


@contextmanager
def lowered(model: keras.Model, lowering: Lowering) -> Iterator[None]:
    """Trace ``model`` inside this context to have its recurrences built by ``lowering``."""
    methods: list[tuple[keras.layers.Layer, Methods]] = []
    for layer in layers_of(model):
        if isinstance(layer, keras.layers.RNN):
            # Read before tracing: a variable has no numpy value inside a graph.
            shadows = {"inner_loop": _inner_loop(read_recurrence(layer), lowering)}
            # Keras draws the dropout masks at inference too, and their seeds are variables that change.
            methods.append((layer, {**shadows, "_maybe_config_dropout_masks": _nothing}))
        elif isinstance(layer, keras.layers.Bidirectional):
            # On a GPU machine Bidirectional may call cuDNN before its layers (Keras 3.15).
            methods.append((layer, {"_can_attempt_fused_lstm": _never, "_can_attempt_fused_gru": _never}))
        elif type(layer) is keras.layers.Embedding:
            methods.append((layer, {"call": _lookup(layer)}))
    with replaced(methods):
        yield


def layers_of(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer of a model, nested and wrapped ones too, in the model's order, each once."""
    return list(dict.fromkeys(model._flatten_layers(include_self=False)))


def _inner_loop(recurrence: Recurrence, lowering: Lowering) -> Callable[..., tuple[Any, Any, list[Any]]]:
    def inner_loop(
        sequences: Any,
        initial_state: Any,
        mask: Any = None,
        training: bool = False,  # noqa: ARG001 - Keras's signature
    ) -> tuple[Any, Any, list[Any]]:
        states = keras.tree.flatten(initial_state)
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        return lowering(recurrence, sequences, states, mask)

    return inner_loop


def _lookup(layer: keras.layers.Embedding) -> Callable[[Any], Any]:
    """The table lookup without the arithmetic by which Keras lets -1 mean the last row.

    ONNX's Gather reads negative indices like that itself, and the device refuses them.
    """

    def call(inputs: Any) -> Any:
        ids = inputs if inputs.dtype in (tf.int32, tf.int64) else tf.cast(inputs, tf.int32)
        return tf.cast(tf.gather(tf.convert_to_tensor(layer.embeddings), ids), layer.compute_dtype)

    return call


def _nothing(*_: Any) -> None:
    return None


def _never(*_: Any, **__: Any) -> bool:
    return False
