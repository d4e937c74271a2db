"""Let Keras's own layers start from their own states and leave behind what they end with: a stream's reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from deeprnn_export.streaming.carry import Carry, any_length
from deeprnn_export.streaming.convolution import context_steps, last_steps
from deeprnn_export.tracing.keras_internals import loop_of, with_loop
from deeprnn_export.tracing.layer_table import overrides_of
from deeprnn_export.tracing.overrides import Override, layer_paths


def recording(model: keras.Model, carry: Carry) -> list[Override]:
    """Return what lets ``carry`` collect the states that Keras itself ends with."""

    def record_states(layer: keras.layers.RNN, path: str) -> Mapping[str, Any]:
        original = loop_of(layer)

        def inner_loop(**arguments: Any) -> Any:
            last, outputs, states = original(**arguments)
            carry.leave(carry.next_call(path), keras.tree.flatten(states))
            return last, outputs, states

        return with_loop(layer, inner_loop)

    def record_context(layer: keras.layers.Conv1D, path: str) -> Mapping[str, Any]:
        original = layer.call

        def call(inputs: Any) -> Any:
            carry.leave(names := carry.next_call(path), [last_steps(inputs, context_steps(layer))] if names else [])
            return original(inputs)

        return {"call": call}

    carrying = {layer: path for layer, path in layer_paths(model).items() if path in carry.calls}
    actions = {"record states": record_states, "record context": record_context}
    return [*(any_length(model) if carry.names else []), *overrides_of(carrying, "reference", actions)]
