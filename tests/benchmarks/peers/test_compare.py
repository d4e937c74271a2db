"""The command that measures every peer: what it lists, refuses, writes and renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks.peers import compare as compare_peers
from benchmarks.peers.entries import ENTRIES
from benchmarks.peers.result import encode, read_result
from benchmarks.peers.workloads import sweep
from tests.support.made_up_peers import make_result


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(compare_peers.main, [*map(str, words)])


def test_it_lists_every_workload_and_entry() -> None:
    lines = run("--list").output.splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in (*sweep(), *ENTRIES)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--only", "gru-seed", "--only", "no-such", "-o", "x"], "no workload 'no-such'; there are rnn-seed"),
        (["--only", "gru-seed", "--contender", "jax", "-o", "x"], "no contender 'jax'; there are ours-onnx"),
        (["--only", "gru-seed"], "say with --output where the result goes"),
        (["--into", "later.json"], "--into takes the workloads of --only"),
        (["--into", "elsewhere.json", "--only", "gru-seed"], "is from another machine or other packages (cpu"),
        (["--seconds", "0"], "0 is not in the range"),
        (["--render", "other.json"], "is no result of compare_peers"),
        (["--render", "later.json"], "has format_version 99, this reads 1; measure again"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_written(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.json").write_text('{"format_version": 1}')
    Path("later.json").write_text('{"format_version": 99, "workloads": []}')
    Path("elsewhere.json").write_text(encode(make_result()))
    before = sorted(tmp_path.iterdir())
    result = run(*words)
    assert result.exit_code == 2
    assert says in result.output.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before


def test_a_result_is_rendered_anew(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    path.write_text(encode(make_result()))
    assert run("--render", path).exit_code == 0
    assert path.with_suffix(".html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_run_measures_what_it_is_told(tmp_path: Path) -> None:
    words = ["--only", "rnn-10-steps", "--contender", "ours-onnx", "--contender", "keras-function"]
    assert run(*words, "--seconds", "0.02", "-o", tmp_path).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["peers.html", "peers.json"]
    (workload,) = read_result(tmp_path / "peers.json")["workloads"]
    rows: list[dict[str, Any]] = workload["contenders"]
    assert [(row["name"], row["status"]) for row in rows] == [("ours-onnx", "ok"), ("keras-function", "ok")]
    assert all(row["timing"]["p50_ms"] > 0 for row in rows)


def test_a_workload_is_measured_again_into_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, again = tmp_path / "peers_sweep.json", make_result()
    before = make_result()
    path.write_text(encode(before))
    again["workloads"] = [one for one in again["workloads"] if one["name"] == "gru-seed"]
    for row in again["workloads"][0]["contenders"]:
        row["timing"] = row["timing"] and row["timing"] | {"p50_ms": 7.0}
    monkeypatch.setattr(compare_peers, "run", lambda *_, **__: iter([again]))
    monkeypatch.setattr(compare_peers, "_machine", lambda: before["machine"])
    assert run("--into", path, "--only", "gru-seed").exit_code == 0
    after = read_result(path)
    pairs = zip(json.loads(encode(before))["workloads"], after["workloads"], strict=True)
    assert [new["name"] for old, new in pairs if old != new] == ["gru-seed"]
    (changed,) = (one for one in after["workloads"] if one["name"] == "gru-seed")
    assert {row["timing"]["p50_ms"] for row in changed["contenders"] if row["timing"]} == {7.0}
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".html", ".json", ".png"]


def test_a_run_that_is_broken_off_leaves_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_: Any, **__: Any) -> Any:
        yield make_result()
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_peers, "run", broken_off)
    assert run("--only", "gru-seed", "-o", tmp_path).exit_code == 1
    (left,) = tmp_path.iterdir()
    assert left.name == "peers.unfinished.json"
    assert read_result(left)["workloads"]
