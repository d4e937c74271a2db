"""Format text for people: tables with aligned columns, and names without what would steer a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A number, with thousands separators, an exponent or a unit behind it: 1,318,585 or 3.2e-07 or 84 us
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?( ?[A-Za-z%/µ]{1,6})?")
_ABSENT = frozenset({"", "-"})
# Controls (C0 without tab and line feed, DEL, C1), separators of lines and paragraphs, marks of direction (the
# overrides of CVE-2021-42574 among them), annotations between lines, and halves of surrogate pairs, which no
# encoding has.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]"
)


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


def visible(text: str) -> str:
    """Return a text of any lines, with what would steer a terminal as escapes.

    These are JSON's, so that a line of JSON stays the same JSON.
    """
    return _STEERING.sub(lambda found: escape(found[0]), text)


def printable(text: str) -> str:
    """Return a name from a file as it may be shown within a line: no line feed, no tab, nothing that is not seen."""
    return text if text.isprintable() else "".join(char if char.isprintable() else escape(char) for char in text)


def escape(character: str) -> str:
    r"""Return a character as JSON may write it: ``\u001b``; beyond the first plane two of these."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _is_numeric(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell not in _ABSENT]
    return bool(given) and all(_NUMBER.fullmatch(cell) for cell in given)
