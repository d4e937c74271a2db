"""An earlier benchmark read back: what is taken, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.bench.history.comparison import compare_reports
from deeprnn_edge.bench.history.earlier import check_holdable, check_same_model, read_earlier
from deeprnn_edge.bench.result_file import to_json
from deeprnn_edge.errors import BundleError, InputError
from tests.support.made_up_reports import MACHINE, OLD, report, streamed


def written(folder: Path, **changes: Any) -> Path:
    """A report's file, with values of its JSON replaced."""
    target = folder / "old.json"
    target.write_text(json.dumps(json.loads(to_json(report())) | changes), encoding="utf-8")
    return target


def test_another_batch() -> None:
    with pytest.raises(InputError, match="measured with batch 1, and this is 8; give batch= alike"):
        check_same_model(OLD, report(), name="gru", batch=8)


def test_a_report_reads_back_as_it_was_even_with_a_comparison(tmp_path: Path) -> None:
    assert read_earlier(written(tmp_path), stream=False) == report()
    assert read_earlier(written(tmp_path, comparison={"against": "older.json"}), stream=False) == report()
    (tmp_path / "s.json").write_text(to_json(streamed({1: 1.0})), encoding="utf-8")
    assert read_earlier(tmp_path / "s.json", stream=True) == streamed({1: 1.0})


def test_a_report_from_before_there_were_blocks(tmp_path: Path) -> None:
    raw = json.loads(to_json(report()))
    for name in ("block_p50_ms", "block_p95_ms", "block_mean_ms", "spread", "noisy"):
        del raw["rows"][0]["timing"][name]
    old = read_earlier(written(tmp_path, rows=raw["rows"]), stream=False)
    assert compare_reports(OLD, old, report()).rows[0].figures[0].low is None
    with pytest.raises(InputError, match="was timed in 0 blocks of calls"):
        check_holdable(OLD, old, machine=MACHINE, threads=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is no benchmark; give a file that bench -o wrote"),
        ('{"format_version": 1, "name": "a manifest"}', "is no benchmark"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "old.json").write_text(content, encoding="utf-8")
    with pytest.raises(BundleError, match=rf"old\.json {message}"):
        read_earlier(tmp_path / "old.json", stream=False)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            read_earlier(path, stream=False)
    (tmp_path / "old.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="is not JSON"):
        read_earlier(tmp_path / "old.json", stream=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99}, r"has format_version 99; this release reads 1"),
        ({"format_version": None}, r"has format_version None"),
        ({"rows": 7}, r"rows is 7, expected"),
        ({"rows": [{"name": "model.onnx"}]}, r"rows\[0\] lacks the field 'format'"),
        ({"inputs": {"ids": ["a"]}}, r"inputs\.ids\[0\] is 'a', expected int"),
        ({"machine": []}, r"machine is \[\], expected"),
        ({"extra": 1}, r"has the unknown field 'extra'"),
    ],
)
def test_a_damaged_report(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=rf"old\.json.*{message}"):
        read_earlier(written(tmp_path, **changes), stream=False)


@pytest.mark.parametrize("value", [0, -1.0, 1e999, float("nan"), 10**400])
@pytest.mark.parametrize("name", ["p50_ms", "mean_ms", "block_p50_ms"])
def test_times_that_no_call_takes(tmp_path: Path, name: str, value: float) -> None:
    raw = json.loads(to_json(report()))
    raw["rows"][0]["timing"][name] = [1.0, value] if name.startswith("block") else value
    text = json.dumps(raw).replace("Infinity", "1e999")
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(
        BundleError,
        match=r"expected times above 0|is not JSON: it holds the number (NaN|1e999)|a number that fits a float",
    ):
        read_earlier(tmp_path / "old.json", stream=False)


def test_the_two_kinds_of_report_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is a benchmark of whole sequences: leave out stream=True, or give another"):
        read_earlier(written(tmp_path), stream=True)
    (tmp_path / "s.json").write_text(to_json(streamed({1: 1.0})), encoding="utf-8")
    with pytest.raises(BundleError, match=r"is a benchmark of streams: add stream=True, or give another"):
        read_earlier(tmp_path / "s.json", stream=False)
