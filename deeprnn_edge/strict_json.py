"""JSON into frozen types, strictly.

A field that is missing, unknown or of another type is an error that names it, so that a bundle of
another version is never half understood.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from deeprnn_edge.errors import BundleError


def decode(kind: Any, raw: Any, where: str) -> Any:
    """A JSON value as ``kind``: a dataclass, or a type that its fields use."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _decode_object(kind, raw, where)
    if origin is tuple:
        if isinstance(raw, list):
            return tuple(decode(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(raw))
    elif kind is Any:
        return raw
    elif origin in (dict, Mapping):
        if isinstance(raw, dict):
            return {key: decode(arguments[1], item, f"{where}.{key}") for key, item in raw.items()}
    elif origin is Literal:
        if raw in arguments:
            return raw
    elif origin in (types.UnionType, typing.Union):  # `Literal[...] | None` is the older of the two
        if raw is None and type(None) in arguments:
            return None
        options = [option for option in arguments if option is not type(None)]
        fitting = options if len(options) == 1 else [option for option in options if isinstance(raw, option)]
        if fitting:
            return decode(fitting[0], raw, where)
    elif kind is float:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return float(raw)
    elif isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
        return raw
    expected = " or ".join(map(repr, arguments)) if origin is Literal else getattr(kind, "__name__", str(kind))
    raise BundleError(f"{where} is {raw!r}, expected {expected}")


def _decode_object(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise BundleError(f"{where} is {raw!r}, expected an object")
    fields = dataclasses.fields(kind)
    missing = [field.name for field in fields if field.name not in raw and field.default is dataclasses.MISSING]
    unknown = sorted(raw.keys() - {field.name for field in fields})
    if missing or unknown:
        raise BundleError(
            f"{where} " + (f"lacks the field {missing[0]!r}" if missing else f"has the unknown field {unknown[0]!r}")
        )
    hints = typing.get_type_hints(kind)
    return kind(**{name: decode(hints[name], value, f"{where}.{name}") for name, value in raw.items()})
