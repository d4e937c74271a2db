"""Override layers around the recurrences that Keras traces in a form which a file should not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from deeprnn_export.tracing.keras_internals import takes
from deeprnn_export.tracing.shapes import sizes
from deeprnn_export.tracing.tensorflow_internals import made_by, views


def look_up(layer: keras.layers.Embedding, _path: str) -> Mapping[str, Any]:
    """Look ids up in the table without the arithmetic by which Keras lets -1 mean the last row.

    The device refuses such ids among a model's inputs. What the model itself computes may be below zero.
    """
    if layer.quantization_mode is not None:
        return {}
    original = layer.call

    def call(inputs: Any) -> Any:
        if not any(made_by(one)[0] == "Placeholder" for one in views(inputs)):
            return original(inputs)
        ids = inputs if inputs.dtype in (tf.int32, tf.int64) else tf.cast(inputs, tf.int32)
        return tf.cast(tf.gather(tf.convert_to_tensor(layer.embeddings), ids), layer.compute_dtype)

    return {"call": call}


def rows_at_once(layer: keras.layers.TimeDistributed, _path: str) -> Mapping[str, Any]:
    """Call the layer in a TimeDistributed once on all steps, each step a row of the batch.

    Keras calls it once a step, which makes a copy of it in the file for each; with a symbolic time axis
    Keras 3.15 loops over the batch size in place of the time, and the traced graph is truncated.
    """
    inner = layer.layer

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        options: dict[str, Any] = {}
        if takes(inner, "mask") and mask is not None:
            options["mask"] = _merge_rows(mask)
        if takes(inner, "training"):
            options["training"] = training
        outputs = inner.call(_merge_rows(inputs), **options)
        return tf.reshape(outputs, [*sizes(inputs)[:2], *sizes(outputs)[1:]])

    return {"call": call}


def is_negative(x: Any) -> Any:
    """Return where a float is below zero or -0.0, which alone has the reciprocal minus infinity."""
    x = tf.convert_to_tensor(x)
    if not x.dtype.is_floating:
        return tf.less(x, tf.zeros((), x.dtype))
    return tf.logical_or(tf.less(x, 0.0), tf.less(1.0 / x, 0.0))


_bias_add = tf.nn.bias_add


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """Add without a layout what Keras writes as ``tf.nn.bias_add``, channels first: an addition of ``(1, time, 1)``.

    TFLite's converter takes channels first for an image: "'tf.Transpose' op x should be of the same rank with y".
    """
    if data_format == "NCHW" and len(value.shape) == 3:
        return value + tf.reshape(bias, (1, -1, 1))
    return _bias_add(value, bias, data_format=data_format, name=name)


def _merge_rows(tensor: Any) -> Any:
    """Reshape ``(batch, time, ...)`` to ``(batch * time, ...)``."""
    batch, time, *rest = sizes(tensor)
    known = isinstance(batch, int) and isinstance(time, int)
    return tf.reshape(tensor, [batch * time if known else -1, *rest])
