"""Keras's own layers, which start from their own states and leave behind what they end with: a stream's reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from deeprnn_export.streaming.carry import Carry, any_length
from deeprnn_export.streaming.convolution import context_steps, last_steps
from deeprnn_export.tracing.overrides import Override, layer_paths


def recording(model: keras.Model, carry: Carry) -> list[Override]:
    """What lets ``carry`` collect the states that Keras itself ends with."""
    overrides: list[Override] = any_length(model) if carry.names else []
    for layer, path in layer_paths(model).items():
        if path in carry.calls:
            loop = isinstance(layer, keras.layers.RNN)
            record = _record_loop if loop else _record_context
            overrides.append((layer, {"inner_loop" if loop else "call": record(layer, carry, path)}))
    return overrides


def _record_loop(layer: keras.layers.RNN, carry: Carry, path: str) -> Callable[..., Any]:
    original = layer.inner_loop

    def inner_loop(**arguments: Any) -> Any:
        last, outputs, states = original(**arguments)
        carry.leave(carry.next_call(path), keras.tree.flatten(states))
        return last, outputs, states

    return inner_loop


def _record_context(layer: keras.layers.Conv1D, carry: Carry, path: str) -> Callable[..., Any]:
    original = layer.call

    def call(inputs: Any) -> Any:
        carry.leave(names := carry.next_call(path), [last_steps(inputs, context_steps(layer))] if names else [])
        return original(inputs)

    return call
