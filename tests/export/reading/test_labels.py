"""Names of classes: a list or a file, as many as the output decides between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.errors import InputError
from deeprnn_export.reading.labels import read_labels


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.txt", "walk\nrun, fast\n"),
        ("l.txt", "walk\r\nrun, fast\r\n"),
        ("l.json", '["walk", "run, fast"]'),
        ("l.json", '{"walk": 0, "run, fast": 1}'),
        ("l.json", '{"1": "run, fast", "0": "walk"}'),
    ],
)
def test_from_a_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read_labels(str(tmp_path / name)) == ("walk", "run, fast")
    assert read_labels(tmp_path / name) == ("walk", "run, fast")


def test_from_the_caller() -> None:
    assert read_labels(None) == ()
    assert read_labels("walk, run") == ("walk", "run")
    assert read_labels(["walk", "run"]) == ("walk", "run")
    assert read_labels({"run": 1, "walk": 0}) == ("walk", "run")
    assert read_labels({"0": 1, "1": 0}) == ("1", "0")
    assert read_labels("x" * 10_000) == ("x" * 10_000,)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("walk,,run", "have one that is no name"),
        (["walk", 3], "have one that is no name"),
        ({"walk": 0, "run": 2}, "give no class from 0 on"),
        ({"walk": "a"}, "give no class from 0 on"),
        (Path("none.txt"), "cannot read the labels none.txt"),
    ],
)
def test_what_is_none(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_labels(given)


def test_damaged_json(tmp_path: Path) -> None:
    (tmp_path / "l.json").write_text("[")
    with pytest.raises(InputError, match="cannot read the labels"):
        read_labels(tmp_path / "l.json")
