"""Run a causal Conv1D in a stream: the steps that its kernel looks back on are carried from chunk to chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from deeprnn_export.streaming.carry import Carry


def context_steps(layer: keras.layers.Conv1D) -> int:
    """Count the steps that the kernel looks back on."""
    return int((layer.kernel_size[0] - 1) * layer.dilation_rate[0])


def why_not(layer: keras.layers.Conv1D) -> str | None:
    """Say in a few words why a convolution cannot answer step by step; None where it can."""
    if layer.data_format != "channels_last":
        return "has its steps behind its channels (data_format='channels_first')"
    if layer.strides[0] != 1:
        return f"answers every {layer.strides[0]} steps (strides={layer.strides[0]})"
    if layer.padding == "same" and layer.kernel_size[0] > 1:
        return "looks at steps to come (padding='same'); build it with padding='causal'"
    if layer.padding == "valid" and layer.kernel_size[0] > 1:
        return "answers for fewer steps than it gets (padding='valid'); build it with padding='causal'"
    return None


def carry_context(carry: Carry, layer: keras.layers.Conv1D, path: str) -> Mapping[str, Any]:
    """Override the layer's ``call``: the steps before the chunk come from outside, in place of zeros."""
    if path not in carry.calls:
        return {}
    original = layer.call

    def call(inputs: Any) -> Any:
        names = carry.next_call(path)
        if not names:
            return original(inputs)
        (context,) = carry.take(names, ())
        joined = tf.concat([context, inputs], axis=1)
        carry.leave(names, [last_steps(joined, context_steps(layer))])
        outputs = keras.ops.conv(
            joined,
            layer.kernel,
            strides=list(layer.strides),
            padding="valid",
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        outputs = outputs + layer.bias if layer.use_bias else outputs
        return outputs if layer.activation is None else layer.activation(outputs)

    return {"call": call}


def last_steps(sequences: Any, count: int) -> Any:
    """Cut ``(batch, time, features)`` to the last ``count`` steps, zeros ahead where there are fewer."""
    padded = sequences
    if sequences.shape[1] is None or sequences.shape[1] < count:
        padded = tf.pad(sequences, [[0, 0], [count, 0], [0, 0]])
    return padded[:, -count:]
