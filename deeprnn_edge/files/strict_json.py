"""Decode JSON into frozen types, strictly.

A field that is missing, unknown or of another type is an error that names it, so that a bundle of
another version is never half understood.
"""

from __future__ import annotations

import dataclasses
import functools
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from deeprnn_edge.errors import BundleError

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100


def decode(kind: Any, raw: Any, where: str) -> Any:
    """Decode a JSON value.

    Args:
        kind: what it has to be: a dataclass, or a type that its fields use.
        raw: the value, as the json module gives it.
        where: what it is called in messages.

    Raises:
        BundleError: that names the field which is missing, unknown or of another type.
    """
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
            return {
                _check_text(key, where): decode(arguments[1], item, f"{where}.{_clip(key)}")
                for key, item in raw.items()
            }
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
            return _to_float(raw, where)
    elif kind is str:
        if isinstance(raw, str):
            return _check_text(raw, where)
    elif isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
        return raw
    expected = " or ".join(map(repr, arguments)) if origin is Literal else getattr(kind, "__name__", str(kind))
    raise BundleError(f"{where} is {show(raw)}, expected {expected}")


def show(raw: Any) -> str:
    """Return a JSON value for a message: its beginning, of whatever size and depth it is."""
    return _SHORT.repr(raw)


def _to_float(raw: float, where: str) -> float:
    try:
        return float(raw)
    except OverflowError as error:  # a whole number beyond 1e308
        raise BundleError(f"{where} is {show(raw)}, expected a number that fits a float") from error


def _check_text(text: str, where: str) -> str:
    """Return text that can be written out; JSON's escapes can also make half a character."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise BundleError(f"{where} holds {show(text)}, which is not Unicode text") from error
    return text


def _clip(name: str) -> str:
    return name if len(name) <= _SHORT.maxstring else f"{name[: _SHORT.maxstring]}..."


# A class's hints are text that is evaluated anew each time: most of what decoding a manifest cost.
_hints = functools.cache(typing.get_type_hints)


def _decode_object(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise BundleError(f"{where} is {show(raw)}, expected an object")
    fields = dataclasses.fields(kind)
    missing = [field.name for field in fields if field.name not in raw and field.default is dataclasses.MISSING]
    unknown = sorted(raw.keys() - {field.name for field in fields})
    if missing or unknown:
        raise BundleError(
            f"{where} "
            + (f"lacks the field {missing[0]!r}" if missing else f"has the unknown field {show(unknown[0])}")
        )
    hints = _hints(kind)
    return kind(**{name: decode(hints[name], value, f"{where}.{name}") for name, value in raw.items()})
