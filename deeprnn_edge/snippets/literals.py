"""Write numbers and names as the source code of a language has them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np

_WIDTH = 100


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
    plain = set(b" !#$%&'()*+,-./0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~")
    content = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in content) + '"'


def initial(value: float, dtype: str, *, float_suffix: str = "f", long_suffix: str = "") -> str:
    """Write what a state is filled with, in its dtype.

    Args:
        value: what every element is.
        dtype: of the state.
        float_suffix: what marks float32.
        long_suffix: what marks int64.
    """
    return number(np.dtype(dtype).type(value), float_suffix=float_suffix, long_suffix=long_suffix)
