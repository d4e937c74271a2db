"""Format tables as text: columns aligned, those of numbers at the right."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A number, with thousands separators, an exponent or a unit behind it: 1,318,585 or 3.2e-07 or 84 us
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?( ?[A-Za-z%/µ]{1,6})?")
_ABSENT = frozenset({"", "-"})


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Format rows as lines under a header, with one cell for each of its names."""
    header, rows = [printable(cell) for cell in header], [[printable(cell) for cell in row] for row in rows]
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [_is_numeric(column[1:]) for column in columns]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(row, widths, right, strict=True)
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def format_shape(shape: Sequence[int | str]) -> str:
    """Format a shape: ``(batch, 100)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def printable(text: str) -> str:
    """Return a name from a file, without what would steer a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _is_numeric(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell not in _ABSENT]
    return bool(given) and all(_NUMBER.fullmatch(cell) for cell in given)
