"""Opening bundles: directories, zips, and everything that is neither."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.artifacts import choose_artifact


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def test_a_zip_answers_as_its_directory_does(bundle_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in bundle_path.iterdir():
            archive.write(file, file.name)
    texts = ["a gorgeous, moving film", "dull"]
    assert np.array_equal(deeprnn_edge.load(packed).predict(texts), deeprnn_edge.load(bundle_path).predict(texts))


def test_the_default_artifact_is_onnx(bundle_path: Path) -> None:
    assert choose_artifact(open_bundle(bundle_path)).path == "model.onnx"


def test_an_unknown_artifact_names_those_there(bundle_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no artifact 'model\.pt'; it has model\.onnx, model\.tflite"):
        deeprnn_edge.load(bundle_path, artifact="model.pt")


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        open_bundle(tmp_path / "missing")


def test_a_directory_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(
        BundleError, match=r"is no bundle: it has no manifest\.json; make one with: deeprnn-edge export"
    ):
        open_bundle(tmp_path)


def test_a_file_that_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"not a zip")
    with pytest.raises(BundleError, match="neither a bundle's directory nor its zip"):
        open_bundle(tmp_path / "x")


@pytest.mark.parametrize("artifact", ["model.onnx", "model.tflite"])
def test_a_truncated_artifact(copy: Path, artifact: str) -> None:
    path = copy / artifact
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleError, match="truncated or was replaced"):
        deeprnn_edge.load(copy, artifact=artifact)


@pytest.mark.parametrize("artifact", ["model.onnx", "model.tflite"])
def test_an_altered_artifact(copy: Path, artifact: str) -> None:
    path = copy / artifact
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="differs from the hash"):
        deeprnn_edge.load(copy, artifact=artifact)


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.txt"])
def test_a_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"lacks the file {name}"):
        deeprnn_edge.load(copy)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a\\b", "C:x", ""])
def test_a_path_outside_the_bundle(copy: Path, name: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["artifacts"][0]["path"] = name
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="not inside the bundle"):
        deeprnn_edge.load(copy)


def test_an_artifact_that_the_runtime_does_not_load(copy: Path) -> None:
    import hashlib

    content = b"\x08\x07"  # an IR version, and no graph
    (copy / "model.onnx").write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["artifacts"][0] |= {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime .* does not load it"):
        deeprnn_edge.load(copy)
