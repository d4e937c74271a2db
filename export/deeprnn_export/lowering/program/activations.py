"""Recognise Keras's activations: functions, layers that are used as functions, and Keras 2's own."""

from __future__ import annotations

import math
from typing import Any

import keras

from deeprnn_export.lowering.program.form import Activation
from deeprnn_export.reading.keras2.activations import keras2_hard_sigmoid

_PARAMETERS = {
    "relu": math.inf,
    "leaky_relu": 0.2,
    "elu": 1.0,
    "hard_sigmoid": 1 / 6,
    "soft_shrink": 0.5,
    "hard_shrink": 0.5,
    "squareplus": 4.0,
}
_NAMES = (
    "linear", "tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "softplus", "softsign", "hard_sigmoid",
    "hard_tanh", "hard_silu", "silu", "gelu", "exponential", "log_sigmoid", "mish", "tanh_shrink", "soft_shrink",
    "hard_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "softmax", "log_softmax", "sparsemax",
)  # fmt: skip
_FUNCTIONS = {
    getattr(keras.activations, name): Activation(name, _PARAMETERS.get(name, 0.0)) for name in _NAMES
} | {
    keras.activations.relu6: Activation("relu", 6.0),
    keras.activations.celu: Activation("elu", 1.0),
    keras2_hard_sigmoid: Activation("hard_sigmoid", 0.2),
}  # fmt: skip


def find_activation(function: Any) -> Activation | None:
    """Return what a layer's activation is; None for one that is no activation of Keras."""
    if function is None:
        return Activation()
    if isinstance(function, keras.layers.Layer):
        return _of_layer(function)
    try:
        return _FUNCTIONS.get(function)
    except TypeError:  # an object that has no hash
        return None


def _of_layer(layer: keras.layers.Layer) -> Activation | None:
    kind = type(layer)
    if kind is keras.layers.LeakyReLU:
        return Activation("leaky_relu", float(layer.negative_slope))
    if kind is keras.layers.ELU:
        return Activation("elu", float(layer.alpha))
    if kind is keras.layers.ReLU and not layer.negative_slope and not layer.threshold:
        return Activation("relu", math.inf if layer.max_value is None else float(layer.max_value))
    if kind is keras.layers.Softmax and layer.axis == -1:
        return Activation("softmax")
    if kind is keras.layers.Activation:
        return find_activation(layer.activation)
    return None
