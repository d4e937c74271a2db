"""Read the names of the classes, from the caller or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.strict_json import parse


def read_labels(given: str | Path | Mapping[str, int] | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names in the order of the classes.

    Args:
        given: names; a file of them, one a line or JSON; or one text with commas between them. JSON is a list, or an
            object of name to class, as Keras's ``class_indices``, or of class to name.

    Raises:
        InputError: for a file that cannot be read, and for an empty name.
    """
    if given is None:
        return ()
    names: Any = given
    if isinstance(given, str | Path):
        names = _read_file(Path(given)) if _is_file(given) else [part.strip() for part in str(given).split(",")]
    if isinstance(names, Mapping):
        names = _by_class(names, given)
    found: tuple[str, ...] = tuple(names)
    if not all(isinstance(name, str) and name.strip() for name in found):
        raise InputError(f"the labels {_shown(found)} have one that is no name; expected a name for each class")
    return found


def _is_file(given: str | Path) -> bool:
    try:
        return isinstance(given, Path) or Path(given).is_file()
    except (OSError, ValueError):  # longer than a name may be, or with a NUL
        return False


def _read_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json" or text.lstrip()[:1] in ("[", "{"):
            return parse(text)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the labels {path}: {error}") from error
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _by_class(names: Mapping[Any, Any], given: Any) -> list[str]:
    turned = {value: key for key, value in names.items()} if _counts(names.values()) else dict(names)
    by_number = {int(key): value for key, value in turned.items() if str(key).isdecimal()}
    if len(by_number) != len(names) or not _counts(by_number):
        raise InputError(f"the labels {given} give no class from 0 on to each name; expected such as {{'walk': 0}}")
    return [by_number[number] for number in range(len(by_number))]


def _counts(numbers: Any) -> bool:
    """Return whether numbers are 0, 1, 2 and so on, in some order."""
    found = list(numbers)
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in found)
    return whole and sorted(found) == list(range(len(found)))


def _shown(names: Sequence[Any]) -> str:
    shown = ", ".join(map(str, names[:6]))
    return f"{shown}, ..." if len(names) > 6 else shown
