"""Every command that opens a bundle, on what a stranger may have put there: one line, code 2, and no runtime."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from click.testing import CliRunner

from deeprnn_edge.bundle.bundle import MANIFEST, open_bundle
from deeprnn_edge.cli.main import main
from deeprnn_edge.files import limits
from tests.support.changed_bundle import change_manifest
from tests.support.mutations import write_zip


@pytest.fixture
def copy(stream_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream_bundle, tmp_path / "bundle"))


COMMANDS = {
    "predict": ["predict", "BUNDLE", "a film"],
    "verify": ["verify", "BUNDLE"],
    "inspect": ["inspect", "BUNDLE"],
    "bench": ["bench", "BUNDLE", "--runs", "10"],
    "bench --stream": ["bench", "BUNDLE", "--stream", "--runs", "10"],
    "stream": ["stream", "BUNDLE"],
    "choose": ["choose", "BUNDLE"],
    "pack": ["pack", "BUNDLE", "-o", "OUTPUT", "--artifact", "model.onnx", "--artifact", "stream.onnx"],
}


def run(command: str, bundle: Path, output: Path) -> Any:
    names = {"BUNDLE": str(bundle), "OUTPUT": str(output)}
    return CliRunner().invoke(main, [names.get(word, word) for word in COMMANDS[command]], input="a film\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_gives_a_runtime_a_byte_whose_hash_is_wrong(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    seen: list[bytes] = []
    original = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda content, *rest, **more: seen.append(content))
    for name in ("model.onnx", "stream.onnx"):
        content = bytearray((copy / name).read_bytes())
        content[-1] ^= 1
        (copy / name).write_bytes(content)
    done = run(command, copy, tmp_path / "out.zip")
    monkeypatch.setattr(onnxruntime, "InferenceSession", original)
    assert (done.exit_code, seen) == (2, [])
    assert "differs from the hash in the manifest" in done.output
    assert "Traceback" not in done.output
    assert len(done.stderr.splitlines()[-1:]) == 1
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["link", "name", "deep", "zip twice", "zip bomb"])
def test_every_command_ends_with_a_line_and_2(copy: Path, tmp_path: Path, command: str, kind: str) -> None:
    path = copy
    if kind == "link":
        (copy / MANIFEST).rename(tmp_path / "outside")
        (copy / MANIFEST).symlink_to(tmp_path / "outside")
    elif kind == "name":
        artifacts = open_bundle(copy).manifest.artifacts
        change_manifest(copy, artifacts=tuple(dataclasses.replace(one, path="../x") for one in artifacts))
    elif kind == "deep":
        (copy / MANIFEST).write_text("[" * 100_000)
    else:
        path = tmp_path / "bundle.zip"
        path.write_bytes(
            write_zip([(MANIFEST, b" " * (limits.MANIFEST_BYTES + 1)), *([(MANIFEST, b"")] * (kind == "zip twice"))])
        )
    done = run(command, path, tmp_path / "out.zip")
    assert done.exit_code == 2
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1
