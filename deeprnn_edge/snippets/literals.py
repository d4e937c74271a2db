"""Write numbers and names as the source code of a language has them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np

_WIDTH = 100
# ASCII that means no more than itself between quotes, in C++ and in Swift; "?" could begin a trigraph.
_PLAIN = frozenset(b" !#$%&'()*+,-./0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~")


def number(value: Any, *, float_suffix: str = "f", long_suffix: str = "") -> str:
    """Write a finite numpy scalar: the shortest form that reads back as the same number of its dtype.

    Args:
        value: the scalar.
        float_suffix, long_suffix: what marks float32 and int64.
        float_suffix: what marks float32.
        long_suffix: what marks int64.
    """
    dtype = value.dtype.name
    if dtype == "bool":
        return "true" if value else "false"
    return str(value) + {"float32": float_suffix, "int64": long_suffix}.get(dtype, "")


def as_double(value: Any) -> str:
    """Write a number of an array of doubles: a float32 as one, so that widening it is exact, others with a point."""
    return number(value) if value.dtype.kind == "f" else f"{int(value)}.0"


def lines(items: Iterable[str], indent: str) -> str:
    """Separate items by commas, in lines of at most 100 characters."""
    return textwrap.fill(", ".join(items), _WIDTH, initial_indent=indent, subsequent_indent=indent)


def json_string(text: str) -> str:
    r"""Write a string literal of JavaScript, Java and C#: ASCII, other characters as ``\u`` and four digits."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def cpp_string(text: str) -> str:
    """Write a string literal of C++ in UTF-8: three octal digits, which none extends, for a byte that is not plain."""
    content = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in content) + '"'


def kotlin_string(text: str) -> str:
    r"""Write a string literal of Kotlin: as ``json_string``, but for ``$`` and the form feed, which has no letter."""
    odd = {"$": "\\$", "\f": "\\u000c"}
    return '"' + "".join(odd.get(one) or json_string(one)[1:-1] for one in text) + '"'


def swift_string(text: str) -> str:
    r"""Write a string literal of Swift: ASCII, what is not plain as ``\u{`` and its number in hexadecimal."""
    plain = {chr(byte) for byte in _PLAIN}
    return '"' + "".join(one if one in plain else f"\\u{{{ord(one):x}}}" for one in text) + '"'


def initial(value: float, dtype: str, *, float_suffix: str = "f", long_suffix: str = "") -> str:
    """Write what a state is filled with, in its dtype.

    Args:
        value: what every element is.
        dtype: of the state.
        float_suffix: what marks float32.
        long_suffix: what marks int64.
    """
    return number(np.dtype(dtype).type(value), float_suffix=float_suffix, long_suffix=long_suffix)
