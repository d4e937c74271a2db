"""``deeprnn-edge bench --compare`` as a device lab's CI sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.sequences import entries as entries
from deeprnn_edge.cli.main import main

BLOCKS = ("block_p50_ms", "block_p95_ms", "block_mean_ms")


@pytest.fixture(autouse=True)
def _no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "probe_artifact", lambda *_, **__: Probe(12.34, 5.678, 9_000_000, 60_000_000))


@pytest.fixture
def earlier(bundle_path: Path, tmp_path: Path) -> Path:
    """A report of the bundle's ONNX file."""
    target = tmp_path / "old.json"
    assert run(bundle_path, "-o", target).exit_code == 0
    return target


def run(bundle: Path, *arguments: str | Path) -> Result:
    words = ["bench", bundle, "--artifact", "model.onnx", "--runs", "20", *arguments]
    return CliRunner().invoke(main, [*map(str, words)])


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    edit(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")


def pace(factor: float) -> Callable[[dict[str, Any]], None]:
    """Let every block have taken that many times as long."""

    def edit(raw: dict[str, Any]) -> None:
        for row in raw["rows"]:
            for name in BLOCKS:
                row["timing"][name] = [value * factor for value in row["timing"][name]]

    return edit


def test_the_table(bundle_path: Path, earlier: Path) -> None:
    result = run(bundle_path, "--compare", earlier)
    assert result.exit_code == 0
    for words in (f"against {earlier}", "95% interval", "file bytes", "memory bytes", "exact", "p50 ms", " to "):
        assert words in result.stdout
    assert "at most" not in result.stdout


def test_json_holds_the_comparison_and_can_be_compared_with_again(bundle_path: Path, earlier: Path) -> None:
    target = earlier.with_name("new.json")
    result = run(bundle_path, "--compare", earlier, "--json", "-o", target)
    comparison = json.loads(result.stdout)["comparison"]
    assert comparison["against"] == str(earlier)
    figures = {figure["name"]: figure for figure in comparison["rows"][0]["figures"]}
    assert figures["p50_ms"]["low"] <= figures["p50_ms"]["high"]
    assert (figures["size_bytes"]["ratio"], figures["load_ms"]["low"]) == (1.0, None)
    assert run(bundle_path, "--compare", target).exit_code == 0
    assert "comparison" not in json.loads(earlier.read_text(encoding="utf-8"))


def test_a_regression_is_shown_whole_and_the_exit_code_is_1(bundle_path: Path, earlier: Path) -> None:
    change(earlier, pace(0.01))
    target = earlier.with_name("new.json")
    result = run(bundle_path, "--compare", earlier, "--fail-above", "1.15", "-o", target)
    assert result.exit_code == 1
    assert "regression" in result.stdout
    assert "at most 1.15: FAILED" in result.stdout
    assert f"error: worse than {earlier}: model.onnx has " in result.stderr.splitlines()[-1]
    assert json.loads(target.read_text(encoding="utf-8"))["comparison"]["failures"]
    assert run(bundle_path, "--compare", earlier).exit_code == 0


def test_what_became_faster_holds(bundle_path: Path, earlier: Path) -> None:
    change(earlier, pace(100.0))
    result = run(bundle_path, "--compare", earlier, "--fail-above", "1.15")
    assert (result.exit_code, "at most 1.15: holds" in result.stdout) == (0, True)


def test_streams(stream_bundle: Path, tmp_path: Path) -> None:
    words = ["bench", stream_bundle, "--stream", "--artifact", "stream.onnx", "--chunk", "1", "--runs", "20"]
    old = tmp_path / "old.json"
    assert CliRunner().invoke(main, [*map(str, (*words, "-o", old))]).exit_code == 0

    def edit(raw: dict[str, Any]) -> None:
        for name in BLOCKS:
            timing = raw["rows"][0]["pushes"][0]["timing"]
            timing[name] = [value / 100 for value in timing[name]]

    change(old, edit)
    result = CliRunner().invoke(main, [*map(str, (*words, "--compare", old, "--fail-above", "1.15"))])
    assert result.exit_code == 1
    assert "stream.onnx by 1 has" in result.stderr
    assert "state bytes" in result.stdout


def test_a_noisy_row_is_marked_and_explained(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deeprnn_edge.bench.timing.NOISY_SPREAD", -1.0)
    result = run(bundle_path)
    (latencies,) = [line for line in result.stdout.splitlines() if line.startswith("model.onnx") and "%" in line]
    assert latencies.endswith("%  noisy")
    assert "noisy: the medians of 10 blocks" in result.stdout


@pytest.mark.parametrize(
    ("edit", "arguments", "message"),
    [
        (lambda raw: raw.update(name="lstm"), [], "benchmark of the model 'lstm'"),
        (lambda raw: raw.update(format_version=99), [], "has format_version 99; this release reads 1"),
        (lambda raw: None, ["--batch", "3"], "measured with batch 1, and this is 3"),
        (lambda raw: None, ["--fail-above", "0"], "give a ratio above 0"),
        (lambda raw: None, ["--fail-above", "1.15", "--threads", "2"], "give --threads alike"),
        (lambda raw: None, ["--fail-above", "1.15", "--runs", "3"], "runs 3: --fail-above takes 5 or more"),
        (
            lambda raw: raw["machine"].update(board="another"),
            ["--fail-above", "1.15"],
            "was measured on another machine",
        ),
        (pace(0.0), [], "expected times above 0"),
    ],
)
def test_what_cannot_be_compared_is_said_before_measuring(
    bundle_path: Path, earlier: Path, edit: Callable[[dict[str, Any]], object], arguments: list[str], message: str
) -> None:
    change(earlier, edit)
    result = run(bundle_path, "--compare", earlier, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_limit_without_a_report(bundle_path: Path) -> None:
    result = run(bundle_path, "--fail-above", "1.15")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: --fail-above 1.15 has nothing to hold this against: add --compare OLD.JSON" in result.stderr


def test_another_machine_is_compared_with_a_note(bundle_path: Path, earlier: Path) -> None:
    change(earlier, lambda raw: raw["machine"].update(board="another"))
    result = run(bundle_path, "--compare", earlier)
    assert result.exit_code == 0
    assert "another machine: board 'another', here" in result.stdout
