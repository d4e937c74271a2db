"""Put one layer or cell of Keras 2 in Keras 3's words: renamed, without what has no meaning any more, or refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.custom_objects import OPTION, known_name, lookup
from deeprnn_export.reading.keras2.activations import CHANGED
from deeprnn_export.reading.keras2.options import input_options, is_object, lambda_options, policy_name

Translate = Callable[[dict[str, Any], "Origin"], dict[str, Any]]

RENAMED = {
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
RENAMED_OPTIONS: dict[tuple[str, str], str] = {("LeakyReLU", "alpha"): "negative_slope"}
# What changes no answer: how Keras 2 computed, what shapes it saw, what only training reads.
MEANINGLESS = (
    *("implementation", "input_spec", "batch_input_shape", "input_length", "input_dtype", "fused"),
    *("query_shape", "key_shape", "value_shape", "noise_shape", "trainable", "dtype"),
)
# Options at the one value that Keras 2 knows for the layer; Keras 3 has the value and not the option.
WITHOUT_EFFECT = [("SeparableConv1D", "groups", 1), ("SeparableConv2D", "groups", 1), ("DepthwiseConv2D", "groups", 1)]
TRAINING = ("_initializer", "_regularizer", "_constraint")  # suffixes
GATED = ("LSTM", "GRU", "LSTMCell", "GRUCell", "ConvLSTM2D", "ConvLSTM2DCell")
# keras/engine/saving.py, preprocess_weights_for_loading: files of Theano hold these kernels mirrored.
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")
OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod", "InstanceProperty")


@dataclass(frozen=True)
class Origin:
    """Hold where a config comes from: Keras's version and backend, and what the user adds to Keras's own classes."""

    version: tuple[int, ...]
    backend: str = "tensorflow"
    custom_objects: dict[str, Any] = field(default_factory=dict)
    allow_lambda: bool = False


def class_name_of(node: Mapping[str, Any]) -> str:
    """Name a class as it is registered; Keras 2's own by their plain name."""
    registered = node.get("registered_name")
    return str(registered if registered and ">" in registered else node["class_name"])


def name_of(node: Mapping[str, Any]) -> str | None:
    """Return a layer's name; None for a Sequential of before Keras 2.2.3, which has none."""
    config = node["config"]
    name = config.get("name") if isinstance(config, dict) else None
    return name or node.get("name")


def translate_layer(node: dict[str, Any], origin: Origin, translate: Translate) -> dict[str, Any]:
    """Translate one layer or cell.

    Args:
        translate: for those inside.

    Raises:
        UnsupportedModelError: for what Keras 3 does not have; it names the layer and its class.
    """
    kind = class_name_of(node)
    config: dict[str, Any] = dict(node["config"])
    custom = lookup(kind, origin.custom_objects)
    if config.get("time_major"):
        raise UnsupportedModelError(
            f"layer {config['name']!r} ({kind}) has time_major=True, which Keras 3 does not have; "
            "build the model with the batch first, time_major=False: its weights stay the same"
        )
    if custom is not None:
        return _translate_custom(node, kind, custom, origin, translate)
    target = RENAMED.get(kind, kind)
    _check_known(kind, target, config, origin)
    if kind == "InputLayer":
        return _builtin(target, input_options(config))
    if kind == "Lambda":
        return _builtin(target, lambda_options(config, origin.custom_objects, allow_lambda=origin.allow_lambda))
    _add_defaults(kind, target, config, origin)
    options: dict[str, Any] = {}
    for key, value in config.items():
        name: str = RENAMED_OPTIONS.get((target, key), key)
        if name.endswith("activation"):
            options[name] = _translate_activation(value, config, origin, translate)
        elif name == "dtype" and name in _own_options(getattr(keras.layers, target)):
            options[name] = policy_name(value)
        elif is_object(value) and not name.endswith(TRAINING):
            options[name] = translate(value, origin)
        elif name == "cells":
            options[name] = [translate(cell, origin) for cell in value]
        elif _is_kept(name, value, target, config):
            options[name] = value
    if target == "BatchNormalization" and isinstance(options.get("axis"), list):
        (options["axis"],) = options["axis"]
    return _builtin(target, options)


def _translate_custom(
    node: dict[str, Any], kind: str, custom: Any, origin: Origin, translate: Translate
) -> dict[str, Any]:
    """Leave a class of the user's its own options, without what Keras 2's base classes added to them."""
    accepted = _own_options(custom)
    config = {}
    for key, value in node["config"].items():
        if key == "dtype":
            config[key] = policy_name(value)
        elif is_object(value) and _is_layer(value, origin):
            config[key] = translate(value, origin)
        elif isinstance(value, list) and value and all(is_object(item) and _is_layer(item, origin) for item in value):
            config[key] = [translate(item, origin) for item in value]
        elif isinstance(value, str) and key.endswith("activation") and _is_changed(value, origin):
            config[key] = _translate_activation(value, node["config"], origin, translate)
        elif key in (*accepted, "trainable") or key not in (*MEANINGLESS, "time_major", "ragged"):
            config[key] = value
    known = known_name(kind, origin.custom_objects)
    out = {"module": None, "class_name": kind, "registered_name": known, "config": config}
    return {**out, "build_config": node["build_config"]} if node.get("build_config") else out


def _check_known(kind: str, target: str, config: dict[str, Any], origin: Origin) -> None:
    name = config.get("name")
    if kind in OPERATIONS:
        raise UnsupportedModelError(
            f"layer {name!r} is a {kind}, Keras 2's record of a TensorFlow operation, which Keras 3 does not have; "
            f"put a Keras layer in its place and save again, or give a class {kind!r} with {OPTION}"
        )
    if kind in CONVOLUTIONS and origin.backend == "theano":
        raise UnsupportedModelError(
            f"layer {name!r} ({kind}) was saved with Theano, which stores its kernel mirrored; "
            "load it in Keras 2 with TensorFlow and save it again"
        )
    if not _is_keras_layer(target):
        raise UnsupportedModelError(
            f"layer {name!r} is of the class {kind!r}, which Keras {keras.__version__} does not have; "
            f"give the class with {OPTION}"
        )


def _add_defaults(kind: str, target: str, config: dict[str, Any], origin: Origin) -> None:
    """Add what a file leaves unsaid and its version of Keras took for granted."""
    if kind == "CuDNNLSTM":
        config["recurrent_activation"] = "sigmoid"
    elif kind == "CuDNNGRU":
        config.update(recurrent_activation="sigmoid", reset_after=True)
    elif target in GATED:
        # Keras 2.3 changed the default of these layers.
        config.setdefault("recurrent_activation", "hard_sigmoid" if origin.version < (2, 3) else "sigmoid")
    if target in ("GRU", "GRUCell"):
        config.setdefault("reset_after", False)  # the only kind before Keras 2.1.5


def _is_kept(name: str, value: Any, target: str, config: dict[str, Any]) -> bool:
    """Return whether Keras 3's layer has this option, or refuse one that would be lost."""
    if name.endswith(TRAINING):
        return False
    if name in _own_options(getattr(keras.layers, target)):
        return True
    if (
        name in MEANINGLESS
        or (target, name, value) in WITHOUT_EFFECT
        or value is None
        or value is False
        or value in ([], {})
    ):
        return False  # the last ones: an option that is not in use
    raise UnsupportedModelError(
        f"layer {config.get('name')!r} ({target}) has {name}={value!r}, which Keras {keras.__version__} does not have; "
        f"build the model without it, or give a class {target!r} that has it with {OPTION}"
    )


def _translate_activation(value: Any, config: dict[str, Any], origin: Origin, translate: Translate) -> Any:
    if is_object(value) and value["class_name"] == "function":
        value = value["config"]
    if is_object(value):
        return translate(value, origin)
    if value is None:
        return None
    name = known_name(value, origin.custom_objects) or CHANGED.get(value)
    if name is not None:  # keras.activations.get finds only Keras's own by a bare name
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}
    if not hasattr(keras.activations, value):
        raise UnsupportedModelError(
            f"layer {config.get('name')!r} uses the activation {value!r}, which Keras {keras.__version__} "
            f"does not have; give a function of this name with {OPTION}"
        )
    return value


def _is_changed(value: str, origin: Origin) -> bool:
    return value in CHANGED or known_name(value, origin.custom_objects) is not None


def _is_layer(value: dict[str, Any], origin: Origin) -> bool:
    kind = class_name_of(value)
    custom = lookup(kind, origin.custom_objects)
    if custom is not None:
        return isinstance(custom, type) and issubclass(custom, keras.layers.Layer)
    return kind in ("Sequential", "Functional", "Model") or _is_keras_layer(RENAMED.get(kind, kind))


def _is_keras_layer(kind: str) -> bool:
    found = getattr(keras.layers, kind, None)
    return isinstance(found, type) and issubclass(found, keras.layers.Layer)


@cache
def _own_options(kind: Any) -> frozenset[str]:
    """List what a layer's constructor takes by name, over the base classes that it hands the rest to."""
    names: set[str] = set()
    for base in inspect.getmro(kind):
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters
            names |= {name for name, parameter in parameters.items() if parameter.kind != parameter.VAR_KEYWORD}
            if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters.values()):
                break
        if base is keras.layers.Layer:
            break
    return frozenset(names - {"self"})


def _builtin(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "registered_name": None, "config": options}
