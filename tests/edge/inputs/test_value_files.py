"""Raw values out of files and lines: what is read is what was written, and what cannot be is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.value_files import parse_items, read_items

TABLE = RawInput("x", "float64", ("time", 2), ("a", "b"))
UNNAMED = RawInput("x", "float64", ("time", 2))
CODES = RawInput("x", "int64", (3,))
WORDS = RawInput("x", "str", (2,))
MIXED = RawInput("x", "any", ("time", 2), ("speed", "gait"))


@pytest.mark.parametrize(
    ("text", "raw", "items"),
    [
        ("1,2\n3.5,-4e2\n", UNNAMED, [[[1.0, 2.0], [3.5, -400.0]]]),
        ("1;2\n3;4", UNNAMED, [[[1.0, 2.0], [3.0, 4.0]]]),
        ("\ufeffb\ta\n1\t2\n\n3\t4\n", TABLE, [[[2.0, 1.0], [4.0, 3.0]]]),
        ("b,x,a\n1,9,2", TABLE, [[[2.0, 1.0]]]),
        ("x,y\n1,2", UNNAMED, [[[1.0, 2.0]]]),
        ("1,2", None, [[[1.0, 2.0]]]),
        ("1,2,3\n4,5", CODES, [[1, 2, 3], [4, 5]]),
        ('a," b,c"\n', WORDS, [["a", "b,c"]]),
        ("gait,speed\nrun,12\nwalk,8", MIXED, [[[12.0, "run"], [8.0, "walk"]]]),
    ],
)
def test_text(tmp_path: Path, text: str, raw: Any, items: Any) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    assert read_items(path, raw) == items


def test_arrays(tmp_path: Path) -> None:
    one, several = np.ones((4, 2)), np.zeros((3, 5, 2))
    np.save(tmp_path / "one.npy", one)
    np.savez(tmp_path / "both.npz", one=one, several=several)
    assert [item.shape for item in read_items(tmp_path / "one.npy", UNNAMED)] == [(4, 2)]
    assert [item.shape for item in read_items(tmp_path / "both.npz", UNNAMED)] == [(4, 2), *[(5, 2)] * 3]


@pytest.mark.parametrize(
    ("text", "raw", "said"),
    [
        ("", UNNAMED, "has no row of values"),
        ("a,b", TABLE, "has no row of values"),
        ("1,2\n3", UNNAMED, "rows of unequal length"),
        ("1,walk\n3,4", UNNAMED, "'walk' stands where the model takes numbers"),
        ("1,\n3,4", UNNAMED, "'' stands where the model takes numbers"),
        ("a,c\n1,2", TABLE, "has no column 'b'; its columns are a, c"),
        ("1,2.5", CODES, "'2.5' stands where the model takes whole numbers"),
        ('1,"' + "x" * 200_000, UNNAMED, "no CSV"),
    ],
)
def test_lines_that_are_none(text: str, raw: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_items(text.splitlines(), "rows.csv", raw)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    for name in ("rows.csv", "missing.csv", "missing.npy"):
        with pytest.raises(InputError, match="cannot read"):
            read_items(tmp_path / name, UNNAMED)
    np.save(tmp_path / "objects.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(InputError, match=r"cannot read .*objects.npy"):
        read_items(tmp_path / "objects.npy", UNNAMED)
