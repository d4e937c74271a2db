"""Bring a model into the form in which it is exported, and in which Keras's own answers to it are taken.

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
from deeprnn_export.tracing.keras_internals import in_float32, without_cell_masks, without_loop_masks
from deeprnn_export.tracing.layer_table import overrides_of
from deeprnn_export.tracing.overrides import exclusive, layer_paths, overridden
from deeprnn_export.tracing.tensorflow_internals import untraced


@contextmanager
def inference_form(model: keras.Model) -> Iterator[None]:
    """Let ``model`` compute what is exported inside the context; behind it, it is as it was.

    Raises:
        UnsupportedModelError: for a layer whose weights are not float32.
    """
    actions = {"plain": _answer_plainly, "forget": _forget}
    with exclusive, overridden(overrides_of({model: model.name, **layer_paths(model)}, "inference", actions)):
        yield


def is_mixed(model: keras.Model) -> bool:
    """Return whether a layer computes in another precision than its weights have."""
    with exclusive:
        return any(layer.compute_dtype != layer.variable_dtype for layer in layer_paths(model))


def is_stateful(model: keras.Model) -> bool:
    """Return whether a recurrent layer keeps its state between calls."""
    with exclusive:
        return any(isinstance(layer, keras.layers.RNN) and layer.stateful for layer in layer_paths(model))


def _answer_plainly(layer: keras.layers.Layer, path: str) -> dict[str, Any]:
    _require_float32(layer, path)
    call = untraced(layer.call)
    return {
        **(in_float32(layer) if layer.compute_dtype in ("float16", "bfloat16") else {}),
        **({} if call is None else {"call": call}),
        **without_cell_masks(layer),
    }


def _forget(layer: keras.layers.RNN, path: str) -> dict[str, Any]:
    cudnn = {"use_cudnn": False} if hasattr(layer, "use_cudnn") else {}
    return {**_answer_plainly(layer, path), "stateful": False, **without_loop_masks(layer), **cudnn}


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
