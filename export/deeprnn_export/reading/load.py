"""Load a Keras model from a file of Keras 2 or 3, or say in one line why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.reading.custom_objects import OPTION, lookup
from deeprnn_export.reading.hdf5 import count_elements, require_room
from deeprnn_export.reading.keras2.model import load_legacy_model
from deeprnn_export.reading.model_file import StoredModel, read_model_file


def load_model(
    path: str | Path, *, allow_lambda: bool = False, custom_objects: Mapping[str, Any] | None = None
) -> keras.Model:
    """Load a ``.keras`` or ``.h5`` file for inference. Files of Keras 2 compute what they did there.

    Args:
        allow_lambda: run Python code that the file carries. Only for files whose maker you trust.
        custom_objects: the layer classes and functions that Keras does not have, by name: see ``read_custom_objects``.

    Raises:
        InputError: for a file that is missing, damaged or no model.
        UnsupportedModelError: for one with a layer that Keras cannot make.
    """
    path, objects = Path(path), dict(custom_objects or {})
    stored = read_model_file(path)
    try:
        with stored.weights() as file:  # checked as it is opened, before Keras opens it again
            require_room(stored.config, count_elements(file))
        if not stored.legacy:
            return _load_own(stored, allow_lambda=allow_lambda, custom_objects=objects)
        return load_legacy_model(stored, allow_lambda=allow_lambda, custom_objects=objects)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


def _load_own(stored: StoredModel, *, allow_lambda: bool, custom_objects: dict[str, Any]) -> keras.Model:
    """Load a file of Keras 3 by Keras itself."""
    try:
        with keras.saving.custom_object_scope(custom_objects):
            return keras.models.load_model(
                stored.path, custom_objects=custom_objects, compile=False, safe_mode=not allow_lambda
            )
    except Exception as error:
        raise _explained(stored.config, error, allow_lambda, custom_objects) from error


def _explained(config: Any, error: Exception, allow_lambda: bool, custom_objects: dict[str, Any]) -> InputError:
    """Say why Keras could not make a model; its own message quotes the whole config before it says."""
    reason = " ".join(str(error).split())
    if "lambda" in reason.lower() and not allow_lambda and "deserializ" in reason.lower():
        return UnsupportedModelError(
            "it carries Python code in a Lambda layer, which loading would run; "
            "if you trust its maker, allow it with allow_lambda=True"
        )
    unknown = _unknown_in(config, None, custom_objects)
    if unknown is not None:
        kind, name = unknown
        return UnsupportedModelError(
            f"layer {name!r} needs {kind!r}, which Keras {keras.__version__} does not have; give it with {OPTION}"
        )
    return InputError(f"it cannot be loaded by Keras {keras.__version__}: {reason[:300]}")


def _unknown_in(config: Any, layer: str | None, custom_objects: dict[str, Any]) -> tuple[str, str | None] | None:
    """Find the first class, function or activation of a config that nobody knows, and the layer that it is in."""
    if isinstance(config, list):
        found = (_unknown_in(item, layer, custom_objects) for item in config)
        return next((item for item in found if item is not None), None)
    if not isinstance(config, dict):
        return None
    inner = config.get("config")
    if isinstance(inner, dict) and isinstance(inner.get("name"), str):
        layer = inner["name"]
    kind = inner if config.get("class_name") == "function" else config.get("class_name")
    if isinstance(kind, str) and "config" in config:
        registered = config.get("registered_name") or kind
        known = _is_keras(kind, config.get("module")) or any(
            lookup(name, custom_objects) is not None for name in (kind, registered)
        )
        if not known:
            return kind, layer
    for key, value in config.items():
        unknown = (
            (value, layer)
            if key.endswith("activation")
            and isinstance(value, str)
            and keras.activations.__dict__.get(value) is None
            and lookup(value, custom_objects) is None
            else _unknown_in(value, layer, custom_objects)
        )
        if unknown is not None:
            return unknown
    return None


def _is_keras(kind: str, module: str | None) -> bool:
    """Return whether Keras has a class or function; a file of HDF5 names no module, and only layers matter there."""
    if kind.startswith("__"):  # marks of the format: __keras_tensor__, __lambda__
        return True
    if module == "builtins":
        return hasattr(keras.activations, kind)
    if module is not None:
        return module.split(".")[0] == "keras"
    return (
        any(
            hasattr(place, kind)
            for place in (keras, keras.layers, keras.models, keras.initializers, keras.regularizers)
        )
        or hasattr(keras.constraints, kind)
        or kind in ("Functional", "DTypePolicy")
    )
