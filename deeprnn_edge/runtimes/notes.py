"""Read what a file of a bundle says of itself, so that one that has lost its bundle still tells what it takes.

The keys: ``deeprnn_edge.name``, ``.preprocessing`` (its vocabulary by name, size and hash), ``.labels``, ``.answer``,
``.states``; each value is JSON, with the fields of the manifest. They are for people and for programs of their own: the
device goes by the manifest, whose hashes hold the files, and never by what a file says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

PREFIX = "deeprnn_edge."
_LARGEST_NOTE = 1 << 22  # characters: a million labels
_MOST_NOTES = 16


def read_notes(entries: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the notes among a file's metadata, by their names without the prefix; what is no JSON stays text."""
    notes: dict[str, Any] = {}
    for key, value in entries:
        if key.startswith(PREFIX) and len(value) <= _LARGEST_NOTE and len(notes) < _MOST_NOTES:
            notes[key.removeprefix(PREFIX)] = _decode(value)
    return notes


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
