"""Put recurrences of our choice in place of Keras's loops, while a model is traced.

Every Keras recurrent layer runs its recurrence through ``inner_loop``: ``RNN.call`` prepares the states
and hands over to ``inner_loop(sequences, initial_state, mask, training)``, which returns
``(last_output, outputs, states)``. Replacing that method lets any model that contains such layers be
traced with a target's own recurrences. A layer whose recurrence the target does not have keeps Keras's
loop, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.artifact import Form, LoweredLayer
from deeprnn_export.cells.cell import Recurrence
from deeprnn_export.lowering import bidirectional
from deeprnn_export.lowering.target import Lowering
from deeprnn_export.streaming.carry import Carry, any_length, nothing_carried
from deeprnn_export.streaming.convolution import carry_context
from deeprnn_export.streaming.keras_loop import carried_loop
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.keras_internals import with_loop, with_sign_test
from deeprnn_export.tracing.layer_table import Action, overrides_of
from deeprnn_export.tracing.overrides import layer_paths, overridden
from deeprnn_export.tracing.plain_layers import is_negative, look_up, rows_at_once
from deeprnn_export.tracing.recurrence import as_keras_zeroes, is_stacked, read_recurrences


@contextmanager
def lowered(model: keras.Model, lowering: Lowering, carry: Carry | None = None) -> Iterator[list[LoweredLayer]]:
    """Trace ``model`` inside this context to have its recurrences built by ``lowering``.

    The list that it gives is filled while tracing: each recurrent layer and what became of it.

    Args:
        carry: the states of a model that streams.
    """
    report: dict[str, LoweredLayer] = {}
    carry = carry or nothing_carried()

    def note(layer: str, form: Form, reason: str | None = None) -> None:
        report[layer] = LoweredLayer(layer, form, reason)

    @cache
    def native(layer: keras.layers.RNN) -> tuple[list[Recurrence], str | None]:
        found = read_recurrences(layer, paths[layer])
        if isinstance(found, str):
            return [], found
        return found, next((reason for one in found if (reason := lowering.why_not(one)) is not None), None)

    def run_natively(layer: keras.layers.RNN, path: str) -> Mapping[str, Any]:
        if not layer.built:
            return {}  # nothing calls it
        recurrences, reason = native(layer)
        if reason is None:
            loop = _native_loop(recurrences, lowering, carry, path, partial(note, path))
        else:
            loop = carried_loop(layer, carry, path, partial(note, path, "keras loop", reason))
        # A layer that is called on whole sequences alone may be unrolled; its own loop is overridden anyway.
        return {**with_loop(layer, loop), **({"unroll": False} if path in carry.calls else {})}

    def run_both_natively(layer: keras.layers.Bidirectional, path: str) -> Mapping[str, Any]:
        inner = (layer.forward_layer, layer.backward_layer)
        # Stacked cells, even one, hand their states over in a structure of their own.
        if any(not one.built or native(one)[1] is not None or is_stacked(one) for one in inner):
            return {}
        pair = [native(one)[0][0] for one in inner]
        return {"call": bidirectional.call(layer, pair, lowering, partial(note, path))}

    actions: Mapping[str, Action] = {
        "run natively": run_natively,
        "run both natively": run_both_natively,
        "carry context": partial(carry_context, carry),
        "look up": look_up,
        "rows at once": rows_at_once,
    }
    entries: list[LoweredLayer] = []
    with inference_form(model):
        paths = layer_paths(model)
        overrides = overrides_of(paths, "lowering", actions)
        free = any_length(model) if carry.names else []
        with overridden([with_sign_test(is_negative), *free, *overrides]):
            yield entries
        entries += report.values()


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
            own, states = states[: len(recurrence.cell.states)], states[len(recurrence.cell.states) :]
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
