"""The form in which a model is exported, and in which Keras's own answers to it are taken.

In float32: a mixed-precision policy stores float32 weights and rounds every result to 16 bits, which no
CPU runtime repeats; with the same weights, float32 is what the rounding approximates.
From the initial state: a stateful layer remembers the previous call, a file on a device must not.
Without cuDNN: on a GPU machine it would answer with another order of summation, and without one
``use_cudnn=True`` refuses to answer at all (Keras 3.15).
Without the graphs that a ``call`` under ``tf.function`` has kept from earlier calls.
Without dropout masks: Keras 3.15 draws them at inference too, from seeds that are variables of the model
and change with every draw, and then leaves them unused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.tracing.overrides import Override, exclusive, layer_paths, overridden


@contextmanager
def inference_form(model: keras.Model) -> Iterator[None]:
    """Inside the context, ``model`` computes what is exported; behind it, it is as it was.

    Raises UnsupportedModelError for a layer whose weights are not float32.
    """
    with exclusive, overridden(_overrides(model)):
        yield


def is_mixed(model: keras.Model) -> bool:
    """Whether a layer computes in another precision than its weights have."""
    with exclusive:
        return any(layer.compute_dtype != layer.variable_dtype for layer in layer_paths(model))


def is_stateful(model: keras.Model) -> bool:
    """Whether a recurrent layer keeps its state between calls."""
    with exclusive:
        return any(isinstance(layer, keras.layers.RNN) and layer.stateful for layer in layer_paths(model))


def _overrides(model: keras.Model) -> list[Override]:
    overrides: list[Override] = []
    for layer, path in [(model, model.name), *layer_paths(model).items()]:
        _require_float32(layer, path)
        changed: dict[str, Any] = {}
        if layer.compute_dtype in ("float16", "bfloat16"):
            changed["_dtype_policy"] = keras.DTypePolicy("float32")
        if isinstance(layer, keras.layers.RNN):
            changed |= {"stateful": False, "_maybe_config_dropout_masks": _nothing}
            if hasattr(layer, "use_cudnn"):
                changed["use_cudnn"] = False
        if hasattr(layer.call, "python_function"):
            changed["call"] = layer.call.python_function
        if hasattr(layer, "get_dropout_mask"):
            changed |= {"get_dropout_mask": _nothing, "get_recurrent_dropout_mask": _nothing}
        if changed:
            overrides.append((layer, changed))
    return overrides


def _require_float32(layer: keras.layers.Layer, path: str) -> None:
    if isinstance(layer, keras.Model):
        return  # its layers answer for their own weights
    other = {weight.dtype for weight in layer.weights} & {"float16", "bfloat16", "float64"}
    if other:
        raise UnsupportedModelError(
            f"layer {path!r} ({type(layer).__name__}) has weights of {other.pop()}; files are exported in float32, "
            "which would round or widen them. Rebuild the model with the dtype policy 'float32', or a mixed one, "
            "and set its weights from this model's"
        )


def _nothing(*_: Any) -> None:
    return None
