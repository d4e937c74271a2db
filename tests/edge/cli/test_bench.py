"""``deeprnn-edge bench`` as a user sees it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.sequences import entries as entries
from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_write import write_output


@pytest.fixture(autouse=True)
def _no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "probe_artifact", lambda *_, **__: Probe(12.34, 5.678, 9_000_000, 60_000_000))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def test_the_tables(bundle_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has a .tflite artifact")
    result = run(bundle_path, "--runs", "20")
    assert result.exit_code == 0
    for artifact in open_bundle(bundle_path).manifest.artifacts:
        assert result.stdout.count(artifact.path) == 2
        assert f"{artifact.size_bytes:,}" in result.stdout
    for word in ("p50 ms", "p99 ms", "rows/s", "load ms", "12.3", "5.68", "9,000,000", "batch 1"):
        assert word in result.stdout
    assert "timing" in result.stderr
    assert "timing" not in result.stdout


def test_json_and_a_file(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.json"
    result = run(bundle_path, "--artifact", "model.onnx", "--runs", "2", "--json", "-o", target)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(target.read_text(encoding="utf-8"))
    assert [row["name"] for row in json.loads(result.stdout)["rows"]] == ["model.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["here.json"]


def test_a_file_that_exists_is_replaced_with_force_alone(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.json"
    target.write_text("mine", encoding="utf-8")
    result = run(bundle_path, "--runs", "1", "-o", target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "exists; choose another --output, or replace it with --force" in result.stderr
    assert target.read_text(encoding="utf-8") == "mine"
    assert run(bundle_path, "--artifact", "model.onnx", "--runs", "1", "-o", target, "--force").exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["rows"]


@pytest.mark.parametrize("place", ["missing/here.json", "."])
def test_a_place_that_cannot_be_written_is_said_before_measuring(bundle_path: Path, tmp_path: Path, place: str) -> None:
    result = run(bundle_path, "-o", tmp_path / place)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "loading" not in result.stderr


def test_a_file_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="nothing was left behind"):
        write_output(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_other_answers_are_shown_and_the_exit_code_is_1(bundle_path: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    cases = decode_golden((bundle / GOLDEN).read_bytes())
    wrong = [
        Case(c.name, c.inputs, {name: value + np.float32(0.01) for name, value in c.outputs.items()}) for c in cases
    ]
    (bundle / GOLDEN).write_bytes(encode_golden(wrong))
    result = run(bundle, "--artifact", "model.onnx", "--runs", "1")
    assert result.exit_code == 1
    assert "model.onnx differs: output" in result.stdout
    assert "error: model.onnx: other answers than golden.npz" in result.stderr
    assert "p50" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "0"], "error: batch 0: give at least 1"),
        (["--threads", "0"], "error: threads 0: give at least 1"),
        (["--seconds", "0"], "error: seconds 0: give a number above 0"),
        (["--artifact", "gone.onnx"], "has no artifact 'gone.onnx'"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(bundle_path: Path, arguments: list[str], message: str) -> None:
    result = run(bundle_path, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_a_path_that_is_no_bundle(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no bundle" in result.stderr
