"""Write arrays as C text: constant, aligned, each number so that it reads back as itself."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PER_LINE = 12
_PADDING = 8  # what a vector of int8 weights reads beyond its end


def declare(name: str, values: NDArray[Any]) -> str:
    """Write an array's definition.

    Args:
        name: a C name.
        values: float32, int8 or int32, of any shape.
    """
    flat = np.ravel(values)
    kind = {"float32": "float", "int8": "int8_t", "int32": "int32_t"}[flat.dtype.name]
    if kind == "int8_t":
        flat = np.pad(flat, (0, _PADDING))
    words = [number(value) for value in flat.tolist()] if kind == "float" else [str(value) for value in flat.tolist()]
    lines = [", ".join(words[start : start + _PER_LINE]) for start in range(0, len(words), _PER_LINE)]
    body = ",\n  ".join(lines)
    return f"static const {kind} {name}[{len(words)}] DR_ALIGNED = {{\n  {body}}};\n"


def number(value: float) -> str:
    """Write a float32 as a C constant; nine digits are enough for every one."""
    if np.isinf(value):
        return "-DR_INFINITY" if value < 0 else "DR_INFINITY"
    text = f"{value:.9g}"
    text = re.sub(r"e([+-])0*(\d)", r"e\1\2", text)
    return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"
