"""Recurrences of our choice in place of Keras's loops, while a model is traced.

Every Keras recurrent layer runs its recurrence through ``inner_loop``: ``RNN.call`` prepares the states
and hands over to ``inner_loop(sequences, initial_state, mask, training)``, which returns
``(last_output, outputs, states)``. Replacing that method lets any model that contains such layers be
traced with a target's own recurrences. A layer whose recurrence the target does not have keeps Keras's
loop, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.manifest import Form, LoweredLayer
from deeprnn_export.lowering import bidirectional
from deeprnn_export.lowering.target import Lowering
from deeprnn_export.streaming.carry import Carry, any_length, nothing_carried
from deeprnn_export.streaming.convolution import carried_convolution
from deeprnn_export.streaming.keras_loop import carried_loop
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.overrides import Override, layer_paths, overridden
from deeprnn_export.tracing.plain_layers import embedding_lookup, rows_at_once
from deeprnn_export.tracing.recurrence import CELLS, Recurrence, as_keras_zeroes, read_recurrences


@contextmanager
def lowered(model: keras.Model, lowering: Lowering, carry: Carry | None = None) -> Iterator[list[LoweredLayer]]:
    """Trace ``model`` inside this context to have its recurrences built by ``lowering``.

    carry: the states of a model that streams.

    The list that it gives is filled while tracing: each recurrent layer and what became of it.
    """
    report: dict[str, LoweredLayer] = {}
    carry = carry or nothing_carried()

    def note(layer: str, form: Form, reason: str | None = None) -> None:
        report[layer] = LoweredLayer(layer, form, reason)

    entries: list[LoweredLayer] = []
    with inference_form(model):
        paths = layer_paths(model)
        native: dict[keras.layers.Layer, list[Recurrence]] = {}
        overrides: list[Override] = any_length(model) if carry.names else []
        for layer, path in paths.items():
            if isinstance(layer, keras.layers.RNN):
                if not layer.built:
                    continue  # nothing calls it
                recurrences, reason = _choose(layer, path, lowering)
                if reason is None:
                    native[layer] = recurrences
                    loop = _native_loop(recurrences, lowering, carry, path, partial(note, path))
                else:
                    loop = carried_loop(layer, carry, path, partial(note, path, "keras loop", reason))
                # A layer that is called on whole sequences alone may be unrolled; its own loop is overridden anyway.
                unrolled = {"unroll": False} if path in carry.calls else {}
                overrides.append((layer, {"inner_loop": loop, **unrolled}))
            elif path in carry.calls:
                overrides.append((layer, {"call": carried_convolution(layer, carry, path)}))
            elif type(layer) is keras.layers.Embedding and layer.quantization_mode is None:
                overrides.append((layer, {"call": embedding_lookup(layer)}))
            elif type(layer) is keras.layers.TimeDistributed:
                overrides.append((layer, {"call": rows_at_once(layer)}))
        for layer, path in paths.items():
            if type(layer) is keras.layers.Bidirectional:
                inner = (layer.forward_layer, layer.backward_layer)
                # Stacked cells, even one, hand their states over in a structure of their own.
                if all(one in native and type(one.cell) in CELLS for one in inner):
                    pair = [native[one][0] for one in inner]
                    overrides.append((layer, {"call": bidirectional.call(layer, pair, lowering, partial(note, path))}))
        with overridden(overrides):
            yield entries
        entries += report.values()


def _choose(layer: keras.layers.RNN, path: str, lowering: Lowering) -> tuple[list[Recurrence], str | None]:
    found = read_recurrences(layer, path)
    if isinstance(found, str):
        return [], found
    reasons = [reason for recurrence in found if (reason := lowering.why_not(recurrence)) is not None]
    return found, reasons[0] if reasons else None


def _native_loop(
    recurrences: list[Recurrence], lowering: Lowering, carry: Carry, path: str, note: Callable[[Form], None]
) -> Callable[..., tuple[Any, Any, Any]]:
    def inner_loop(
        sequences: Any,
        initial_state: Any,
        mask: Any = None,
        training: bool = False,  # noqa: ARG001 - Keras's signature
    ) -> tuple[Any, Any, Any]:
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        names = carry.next_call(path)
        states = carry.take(names, keras.tree.flatten(initial_state))
        final: list[Any] = []
        for recurrence in recurrences:
            own, states = states[: recurrence.states], states[recurrence.states :]
            (output,) = lowering.run([replace(recurrence, continues=bool(names))], sequences, [own], mask)
            sequences = output.outputs
            final += output.states
        carry.leave(names, final)
        note(output.form)
        outputs = as_keras_zeroes(recurrence, output.outputs, mask)
        if recurrence.go_backwards and recurrence.return_sequences:
            outputs = tf.reverse(outputs, [1])  # Keras keeps the order of computation
        return output.last, outputs, keras.tree.pack_sequence_as(initial_state, final)

    return inner_loop
