"""``deeprnn-edge pack`` as a user sees it, and the other commands on what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.sequences import entries as entries
from deeprnn_edge.cli.main import main
from deeprnn_edge.inspection.inspect import inspect_path
from tests.support.fresh_process import HEAVY, command, modules_after


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def packed(bundle_path: Path, tmp_path: Path) -> Path:
    target = tmp_path / "out.zip"
    assert run("pack", bundle_path, "-o", target).exit_code == 0
    return target


def test_both_sizes_are_printed(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    result = run("pack", bundle_path, "--artifact", "model.onnx", "-o", target)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{target}: {target.stat().st_size:,} bytes, with model.onnx",
        f"{bundle_path}: {inspect_path(bundle_path).size_bytes:,} bytes, the whole bundle",
    ]


def test_json(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    artifacts = ["model.onnx", "model.tflite"]
    result = run("pack", bundle_path, *(f"--artifact={path}" for path in artifacts), "-o", target, "--golden", "--json")
    assert json.loads(result.stdout) == {
        "format_version": 1,
        "path": str(target),
        "size_bytes": target.stat().st_size,
        "bundle": str(bundle_path),
        "bundle_size_bytes": inspect_path(bundle_path).size_bytes,
        "artifacts": artifacts,
        "golden": True,
    }


def test_golden_vectors_are_named_and_verified(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    assert "with model.onnx, golden vectors\n" in run("pack", bundle_path, "-o", target, "--golden").stdout
    result = run("verify", target)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[:2] == ["model.onnx", "ok"]


def test_verify_without_golden_vectors_is_one_line(packed: Path) -> None:
    result = run("verify", packed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: {packed} was packed without golden vectors: it has no golden.npz; "
        "pack the whole bundle with them: deeprnn-edge pack BUNDLE -o OUTPUT.zip --golden\n"
    )


def test_the_other_commands_take_it_as_it_is(packed: Path, bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "probe_artifact", lambda *_, **__: Probe(1.0, 2.0, 3, 4))
    text = "a gorgeous, moving film"
    assert run("predict", packed, text).stdout == run("predict", bundle_path, text, "--artifact", "model.onnx").stdout
    values = json.loads(run("bench", packed, "--runs", "2", "--json").stdout)
    assert (values["input_source"], values["rows"][0]["status"]) == ("random", "ok")
    assert "ship model.onnx" in run("choose", packed, "--seconds", "0.01").stdout
    assert "GRU 2" in run("inspect", packed).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "{folder}/out"], "out has no suffix .zip; a packed bundle is one: give a name such as model.zip"),
        (["-o", "{folder}/missing/out.zip"], "missing: it is missing or not writable; choose another --output"),
        (["-o", "{folder}/taken.zip"], "taken.zip exists; choose another --output, or replace it with --force"),
        (
            ["-o", "{folder}/out.zip", "--artifact", "model.pt"],
            "no artifact 'model.pt'; it has model.onnx, model.tflite",
        ),
        ([], "Missing option '-o' / '--output'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    bundle_path: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "taken.zip").write_bytes(b"mine")
    result = run("pack", bundle_path, *(word.format(folder=tmp_path) for word in words))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["taken.zip"]
    assert (tmp_path / "taken.zip").read_bytes() == b"mine"


def test_a_path_that_is_no_bundle(tmp_path: Path) -> None:
    result = run("pack", tmp_path / "gone", "-o", tmp_path / "out.zip")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no such bundle" in result.stderr


def test_the_help_teaches_with_an_example() -> None:
    assert "deeprnn-edge pack bundle --artifact model.int8.onnx -o model.zip" in run("pack", "--help").stdout


def test_neither_framework_nor_runtime_is_loaded(bundle_path: Path, tmp_path: Path) -> None:
    loaded = modules_after(command("pack", str(bundle_path), "-o", str(tmp_path / "out.zip")))
    assert not loaded & {*HEAVY, "onnxruntime", "ai_edge_litert"}
