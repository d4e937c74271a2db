"""Values of every type that a record may have are read as they were written, and no other is taken for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.strict_json import decode


@dataclass(frozen=True)
class Record:
    flag: Literal[False, True]
    word: Literal["a", "b"]
    number: Literal[0, 1] | None
    switch: bool
    share: float
    names: tuple[str, ...]
    counts: dict[str, int]


RIGHT: dict[str, Any] = {
    "flag": True, "word": "b", "number": 1, "switch": False, "share": 0.5, "names": ["x"], "counts": {"y": 2},
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [("flag", False), ("number", None), ("number", 0), ("share", 1), *RIGHT.items()]
)
def test_what_a_field_takes(field: str, value: Any) -> None:
    found = getattr(decode(Record, {**RIGHT, field: value}, "it"), field)
    assert found == (tuple(value) if isinstance(value, list) else value)
    assert type(found) is (float if field == "share" else tuple if field == "names" else type(value))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("flag", 1, "it.flag is 1, expected False or True"),
        ("flag", "True", "it.flag is 'True', expected False or True"),
        ("word", ["a"], r"it.word is \['a'\], expected 'a' or 'b'"),
        ("number", True, "it.number is True, expected"),
        ("number", 1.0, "it.number is 1.0, expected"),
        ("switch", 1, "it.switch is 1, expected"),
        ("share", True, "it.share is True, expected"),
        ("names", "x", "it.names is 'x', expected"),
        ("counts", {"y": 1.5}, r"it.counts.* is 1.5, expected"),
    ],
)
def test_what_a_field_refuses(field: str, value: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        decode(Record, {**RIGHT, field: value}, "it")
