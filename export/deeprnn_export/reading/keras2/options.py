"""Put options of Keras 2's input and Lambda layers, and its dtype policies, in Keras 3's words."""

from __future__ import annotations

from typing import Any

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.custom_objects import OPTION, known_name


def input_options(config: dict[str, Any]) -> dict[str, Any]:
    """Translate an InputLayer's options.

    Raises:
        UnsupportedModelError: for a ragged one.
    """
    if config.get("ragged"):
        raise UnsupportedModelError(
            f"the input {config['name']!r} is ragged, which Keras 3 does not have; pad the rows and mask the padding"
        )
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    return {
        "name": config.get("name"),
        "batch_shape": shape,
        "dtype": policy_name(config.get("dtype") or "float32"),
        "sparse": bool(config.get("sparse")),
    }


def lambda_options(config: dict[str, Any], custom_objects: dict[str, Any], *, allow_lambda: bool) -> dict[str, Any]:
    """Translate a Lambda's options. Keras 2: ``function`` is a name, or ``[code, defaults, closure]``.

    Raises:
        UnsupportedModelError: for code that the caller does not allow, and for a function that nobody gives.
    """
    function = config["function"]
    if is_object(function) and function["class_name"] == "function":
        function = function["config"]
    shape = config.get("output_shape") if config.get("output_shape_type", "raw") == "raw" else None
    options = {"name": config.get("name"), "dtype": policy_name(config.get("dtype")), "output_shape": shape}
    options |= {"arguments": config.get("arguments") or {}}
    if isinstance(function, str):
        known = known_name(function, custom_objects)
        if known is None:
            raise UnsupportedModelError(
                f"layer {config['name']!r} is a Lambda of the function {function!r}; give it with {OPTION}"
            )
        function = {"module": "builtins", "class_name": "function", "config": known, "registered_name": known}
        return {**options, "function": function}
    if not allow_lambda:
        raise UnsupportedModelError(
            f"layer {config['name']!r} is a Lambda that carries Python code, which loading would run; "
            "if you trust the file's maker, allow it with allow_lambda=True"
        )
    code, defaults, closure = function
    parts = {"code": code, "defaults": defaults, "closure": closure}
    return {**options, "function": {"class_name": "__lambda__", "config": parts}}


def policy_name(value: Any) -> Any:
    """Name a dtype policy: Keras 2 also wrote ``{"class_name": "Policy", "config": {"name": ...}}``."""
    return value["config"]["name"] if is_object(value) else value


def is_object(value: Any) -> bool:
    """Return whether a value describes something that Keras makes: a class and its config."""
    return isinstance(value, dict) and "class_name" in value and "config" in value
