"""Read JSON strictly, and decode it into frozen types.

Text that two readers may take differently is refused, and so is a number that is none. A field that is missing, unknown
or of another type is an error that names it, so that a bundle of another version is never half understood.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn

from deeprnn_edge.errors import BundleError

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100

Decoder = Callable[[Any], Any]


class _MismatchError(Exception):
    """Carry what is wrong with a value, and its place from the outermost one, which is put together on the way up."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.place = ""


def parse(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: with the reason, in one line: no JSON, nested too deep, NaN or infinity, a number of hundreds of
            digits, a name twice in one object.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_to_dict,
            parse_constant=_refuse_number,
            parse_float=_parse_float,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except ValueError as error:
        if "integer string conversion" in str(
            error
        ):  # Python takes quadratic time for thousands of digits, and refuses
            raise ValueError("it holds a number of thousands of digits") from error
        raise


def decode(kind: Any, raw: Any, where: str) -> Any:
    """Decode a JSON value.

    Args:
        kind: what it has to be: a dataclass, or a type that its fields use.
        raw: the value, as ``parse`` gives it.
        where: what it is called in messages.

    Raises:
        BundleError: that names the field which is missing, unknown or of another type.
    """
    try:
        return _decoder(kind)(raw)
    except _MismatchError as error:
        raise BundleError(f"{where}{error.place} {error.said}") from None


def show(raw: Any) -> str:
    """Return a JSON value for a message: its beginning, of whatever size and depth it is."""
    return _SHORT.repr(raw)


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that comes twice, readers keep the first or the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"it has the name {show(twice)} twice in one object")
    return found


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"it holds the number {text[:20]}, expected finite ones")


def _parse_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


# Made once a type: looking through hints and fields for each value anew was most of what decoding cost.
@functools.cache
def _decoder(kind: Any) -> Decoder:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _object_decoder(kind)
    if origin is tuple:
        return _list_decoder(_decoder(arguments[0]))
    if kind is Any:
        return lambda raw: raw
    if origin in (dict, Mapping):
        return _dict_decoder(_decoder(arguments[1]))
    if origin is Literal:
        return _literal_decoder(arguments)
    if origin in (types.UnionType, typing.Union):  # `Literal[...] | None` is the older of the two
        return _union_decoder(arguments)
    if kind is float:
        return _to_float
    return _to_text if kind is str else _scalar_decoder(kind)


def _list_decoder(item: Decoder) -> Decoder:
    def read(raw: Any) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            raise _wrong(raw, "tuple")
        values: list[Any] = []
        try:
            for value in raw:
                values.append(item(value))
        except _MismatchError as error:
            error.place = f"[{len(values)}]{error.place}"
            raise
        return tuple(values)

    return read


def _dict_decoder(item: Decoder) -> Decoder:
    def read(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise _wrong(raw, "dict")
        found = {}
        for key, value in raw.items():
            _to_text(key)
            try:
                found[key] = item(value)
            except _MismatchError as error:
                error.place = f".{_clip(key)}{error.place}"
                raise
        return found

    return read


def _literal_decoder(choices: tuple[Any, ...]) -> Decoder:
    def read(raw: Any) -> Any:
        # By type too: 1 equals True and 1.0; and a list or an object equals nothing here.
        if any(type(raw) is type(choice) and raw == choice for choice in choices):
            return raw
        raise _wrong(raw, " or ".join(map(repr, choices)))

    return read


def _union_decoder(kinds: tuple[Any, ...]) -> Decoder:
    options = {kind: _decoder(kind) for kind in kinds if kind is not type(None)}
    optional, alone = len(options) < len(kinds), next(iter(options.values())) if len(options) == 1 else None

    def read(raw: Any) -> Any:
        if raw is None and optional:
            return None
        if alone is not None:
            return alone(raw)
        for kind, option in options.items():
            if isinstance(raw, kind):
                return option(raw)
        raise _wrong(raw, " or ".join(kind.__name__ for kind in options))

    return read


def _scalar_decoder(kind: type) -> Decoder:
    def read(raw: Any) -> Any:
        if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
            return raw
        raise _wrong(raw, kind.__name__)

    return read


def _object_decoder(kind: Any) -> Decoder:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    decoders = {field.name: _decoder(hints[field.name]) for field in fields}
    required = {field.name for field in fields if field.default is dataclasses.MISSING}

    def read(raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise _wrong(raw, "an object")
        if not required <= raw.keys():
            missing = next(one.name for one in fields if one.name in required and one.name not in raw)
            raise _MismatchError(f"lacks the field {missing!r}")
        values, name = {}, ""
        try:
            for name, value in raw.items():
                values[name] = decoders[name](value)
        except KeyError:
            raise _MismatchError(f"has the unknown field {show(min(raw.keys() - decoders.keys()))}") from None
        except _MismatchError as error:
            error.place = f".{name}{error.place}"
            raise
        return kind(**values)

    return read


def _to_float(raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        raise _wrong(raw, "float")
    try:
        return float(raw)
    except OverflowError:  # a whole number beyond 1e308
        raise _wrong(raw, "a number that fits a float") from None


def _to_text(raw: Any) -> str:
    """Return text that can be written out; JSON's escapes can also make half a character."""
    if not isinstance(raw, str):
        raise _wrong(raw, "str")
    if not raw.isascii():
        try:
            raw.encode("utf-8")
        except UnicodeEncodeError:
            raise _MismatchError(f"holds {show(raw)}, which is not Unicode text") from None
    return raw


def _wrong(raw: Any, expected: str) -> _MismatchError:
    return _MismatchError(f"is {show(raw)}, expected {expected}")


def _clip(name: str) -> str:
    return name if len(name) <= _SHORT.maxstring else f"{name[: _SHORT.maxstring]}..."
