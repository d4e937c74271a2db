"""``deeprnn-edge inspect`` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.main import main
from deeprnn_edge.inspection.inspect import inspect_path


def test_a_bundle_is_shown_whole(bundle_path: Path) -> None:
    result = CliRunner().invoke(main, ["inspect", str(bundle_path)])
    assert (result.exit_code, result.stderr) == (0, "")
    manifest = open_bundle(bundle_path).manifest
    for name in [
        *(spec.name for spec in (*manifest.inputs, *manifest.outputs)),
        *(layer.name for layer in manifest.architecture.layers),
        *(artifact.path for artifact in manifest.artifacts),
    ]:
        assert name in result.stdout
    assert f"{manifest.architecture.parameters:,}" in result.stdout
    (recurrent,) = inspect_path(bundle_path / "model.onnx").artifacts[0].recurrent.items()
    assert f"{recurrent[0]} {recurrent[1]}" in result.stdout
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_a_file_alone_and_the_number_of_tensors(bundle_path: Path) -> None:
    path = str(bundle_path / "model.onnx")
    tensors = inspect_path(path).artifacts[0].tensors
    result = CliRunner().invoke(main, ["inspect", path, "--tensors", "2"])
    assert result.exit_code == 0
    assert f"tensors, the 2 largest of {len(tensors)}" in result.stdout
    assert tensors[1].name in result.stdout
    assert "largest of" not in CliRunner().invoke(main, ["inspect", path, "--tensors", "0"]).stdout


def test_json(bundle_path: Path) -> None:
    result = CliRunner().invoke(main, ["inspect", str(bundle_path), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["kind"] == "bundle"


def test_names_from_a_file_do_not_steer_the_terminal(tmp_path: Path) -> None:
    # ModelProto with one node whose op_type is an escape sequence, and one output
    node = b"\x22\x05\x1b[31m"
    graph = b"\x0a" + bytes([len(node)]) + node + b"\x62\x03\x0a\x01y"
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x3a" + bytes([len(graph)]) + graph)
    result = CliRunner().invoke(main, ["inspect", str(tmp_path / "m.onnx")])
    assert result.exit_code == 0
    assert "\\u001b[31m" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.onnx", None, "error: no such file or directory: "),
        ("broken.onnx", b"hello", "error: broken.onnx is not an ONNX model"),
        ("model.h5", b"hello", "error: "),
        ("bundle.zip", b"hello", "error: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = CliRunner().invoke(main, ["inspect", str(tmp_path / name)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
