"""Read raw values out of files and lines: CSV with or without a header, .npy and .npz."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.errors import InputError

_WORDS = ("str", "any")


def read_items(path: Path, raw: RawInput | None) -> list[Any]:
    """Read the items of a file.

    Args:
        path: an ``.npy`` or ``.npz`` of one item or several in each array; or text: one item of a row a line, or
            where an item is one row, an item a line. A first line of names is a header.
        raw: what the model takes; None for features without steps.

    Raises:
        InputError: for a file that cannot be read so.
    """
    rank = 2 if raw is None else len(raw.shape)
    if path.suffix.lower() in (".npy", ".npz"):
        return [item for array in _read_arrays(path) for item in (array if array.ndim == rank + 1 else [array])]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return parse_items(file.read().splitlines(), str(path), raw)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}; expected CSV, .npy or .npz") from error


def parse_items(lines: Sequence[str], where: str, raw: RawInput | None) -> list[Any]:
    """Parse lines of CSV: one item of a row a line, or where an item is one row, an item a line.

    Raises:
        InputError: for lines that are none, and for a header that lacks a column.
    """
    try:
        rows = [row for row in csv.reader(lines, delimiter=_delimiter(lines)) if row]
    except csv.Error as error:
        raise InputError(f"{where} is no CSV: {error}") from error
    names = raw.columns if raw is not None else ()
    header = rows[0] if rows and _is_header(rows[0], raw) else None
    rows = rows[1:] if header else rows
    if not rows:
        raise InputError(f"{where} has no row of values")
    if any(len(row) != len(header or rows[0]) for row in rows) and (raw is None or len(raw.shape) > 1):
        raise InputError(f"{where} has rows of unequal length")
    values = [[parse_value(cell, raw) for cell in row] for row in rows]
    if header and names:
        missing = [name for name in names if name not in header]
        if missing:
            raise InputError(f"{where} has no column {missing[0]!r}; its columns are {', '.join(header)[:200]}")
        places = [header.index(name) for name in names]
        values = [[row[place] for place in places] for row in values]
    return values if raw is not None and len(raw.shape) == 1 else [values]


def parse_value(cell: str, raw: RawInput | None) -> Any:
    """Return a cell as a number, or as it is where the model takes words.

    Raises:
        InputError: for a word where the model takes numbers.
    """
    text = cell.strip()
    if raw is not None and raw.dtype == "str":
        return text
    try:
        return int(text) if raw is not None and raw.dtype.startswith("int") else float(text)
    except ValueError as error:
        if raw is not None and raw.dtype == "any":
            return text
        whole = "whole numbers" if raw is not None and raw.dtype.startswith("int") else "numbers"
        raise InputError(f"{text[:80]!r} stands where the model takes {whole}, separated by commas") from error


def _is_header(row: Sequence[str], raw: RawInput | None) -> bool:
    if raw is not None and raw.dtype in _WORDS:
        return bool(raw.columns) and set(raw.columns) <= set(row)
    return not any(map(_is_number, row))  # one word among numbers is damage


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _delimiter(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return next((mark for mark in (",", ";", "\t") if mark in first), ",")


def _read_arrays(path: Path) -> list[Any]:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return [found]
        with found as file:
            return [file[name] for name in file.files]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read {path} as an {path.suffix} array: {error}") from error
