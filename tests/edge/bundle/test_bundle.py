"""Opening bundles: directories, zips, and everything that is neither."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.bundle.bundle import companion, open_bundle
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import BundleError
from deeprnn_edge.inference.packing import pack
from deeprnn_edge.runtimes.artifacts import choose_artifact
from tests.support.changed_bundle import change_manifest


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


def hashed(bundle_path: Path, folder: Path) -> Path:
    """A copy of a bundle whose manifest has a hash of every file."""
    copy = Path(shutil.copytree(bundle_path, folder / "hashed"))
    companions = [companion(name, (copy / name).read_bytes()) for name in ("golden.npz", "vocabulary.txt", "README.md")]
    change_manifest(copy, companions=tuple(companions))
    return copy


@pytest.mark.parametrize("name", ["golden.npz", "vocabulary.txt", "README.md"])
@pytest.mark.parametrize("how", ["cut", "changed", "lengthened", "gone"])
def test_a_file_beside_the_artifacts_that_was_altered_is_refused(
    bundle_path: Path, tmp_path: Path, name: str, how: str
) -> None:
    copy = hashed(bundle_path, tmp_path)
    content = (copy / name).read_bytes()
    changed = {"cut": content[:30], "changed": content[:-1] + b"x", "lengthened": content + b"\n"}
    if how == "gone":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(changed[how])
    with pytest.raises(BundleError, match=name):
        deeprnn_edge.verify(copy)
    if name == "vocabulary.txt":
        with pytest.raises(BundleError, match=name):
            deeprnn_edge.load(copy)


def test_a_bundle_of_an_older_release_loads_and_says_what_is_not_covered(bundle_path: Path, tmp_path: Path) -> None:
    assert open_bundle(bundle_path).unchecked() == ["golden.npz", "vocabulary.txt"]
    assert open_bundle(hashed(bundle_path, tmp_path)).unchecked() == []
    done = CliRunner().invoke(main, ["verify", str(bundle_path)])
    assert done.exit_code == 0
    assert "no hash covers golden.npz, vocabulary.txt" in done.stderr
    assert "no hash covers golden.npz, vocabulary.txt" in CliRunner().invoke(main, ["inspect", str(bundle_path)]).stdout


def test_a_packed_bundle_has_the_hashes_of_what_it_holds(bundle_path: Path, tmp_path: Path) -> None:
    pack(bundle_path, tmp_path / "small.zip", golden=True)
    packed = open_bundle(tmp_path / "small.zip")
    assert [one.path for one in packed.manifest.companions] == ["vocabulary.txt", "golden.npz"]
    assert packed.unchecked() == []
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "small.zip"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"path": "../up"}, "../up"),
        ({"sha256": "0"}, r"companions\[0\].sha256"),
        ({"size_bytes": -1}, r"companions\[0\].size_bytes"),
    ],
)
def test_a_companion_that_cannot_be(
    bundle_path: Path, tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    copy = hashed(bundle_path, tmp_path)
    first = open_bundle(copy).manifest.companions[0]
    change_manifest(copy, companions=(dataclasses.replace(first, **change),))
    with pytest.raises(BundleError, match=expected):
        open_bundle(copy)
