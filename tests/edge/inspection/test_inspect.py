"""What inspect_path accepts, finds and refuses."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.inspection import inspect as inspection
from deeprnn_edge.inspection import plugins as formats
from deeprnn_edge.inspection.inspect import inspect_path, to_json
from deeprnn_edge.inspection.record import Inspection
from deeprnn_edge.runtimes import RUNTIMES


@pytest.fixture
def copied(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def register(monkeypatch: pytest.MonkeyPatch, suffix: str, load: Callable[[], Any]) -> None:
    """One entry point of the group deeprnn_edge.formats, in place of those installed."""
    point = SimpleNamespace(name=suffix, load=load)
    monkeypatch.setattr(formats, "entry_points", lambda name=suffix, **_: [point] if name == suffix else [])
    monkeypatch.setattr(formats, "require_workshop", lambda _: None)


def test_a_bundle(bundle_path: Path) -> None:
    manifest = open_bundle(bundle_path).manifest
    found = inspect_path(bundle_path)
    assert (found.path, found.kind) == (str(bundle_path), "bundle")
    assert (found.inputs, found.outputs) == (manifest.inputs, manifest.outputs)
    assert found.layers == manifest.architecture.layers
    assert [file.path for file in found.artifacts] == [artifact.path for artifact in manifest.artifacts]
    for file, artifact in zip(found.artifacts, manifest.artifacts, strict=True):
        assert (file.format, file.precision, file.size_bytes) == (
            artifact.format,
            artifact.precision,
            artifact.size_bytes,
        )
        assert artifact.operators is None or file.operators == artifact.operators
    assert found.size_bytes == sum(path.stat().st_size for path in bundle_path.iterdir())


def test_a_zipped_bundle(bundle_path: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "bundle.zip", tmp_path / "bundle.model"):
        with zipfile.ZipFile(target, "w") as archive:
            for path in bundle_path.iterdir():
                archive.write(path, path.name)
        found = inspect_path(target)
        assert found.artifacts == inspect_path(bundle_path).artifacts
        assert found.size_bytes == target.stat().st_size


def test_a_file_alone(bundle_path: Path) -> None:
    found = inspect_path(str(bundle_path / "model.onnx"))
    (file,) = found.artifacts
    assert (found.kind, found.layers, file.precision) == ("onnx", (), None)
    assert found.inputs == file.inputs
    assert [spec.name for spec in found.inputs] == [spec.name for spec in inspect_path(bundle_path).inputs]


def test_json_holds_all_of_it(bundle_path: Path) -> None:
    found = inspect_path(bundle_path)
    values = json.loads(to_json(found))
    assert values["format_version"] == inspection.FORMAT_VERSION
    assert values["artifacts"][0]["operators"] == found.artifacts[0].operators
    assert len(values["artifacts"][0]["tensors"]) == len(found.artifacts[0].tensors)


def test_a_bundle_without_litert_shows_the_manifests_operators(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MissingExtraError("needs LiteRT")

    whole = {file.path: file for file in inspect_path(bundle_path).artifacts}
    monkeypatch.setitem(RUNTIMES, "tflite", dataclasses.replace(RUNTIMES["tflite"], inspect=absent))
    file = next(file for file in inspect_path(bundle_path).artifacts if file.format == "tflite")
    assert file.problem == "needs LiteRT"
    assert (file.operators, file.loops, file.recurrent) == (
        whole[file.path].operators,
        whole[file.path].loops,
        whole[file.path].recurrent,
    )
    assert file.tensors == ()


def test_a_registered_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Inspection("there", "other", 1, (), (), (), ())
    register(monkeypatch, ".other", lambda: SimpleNamespace(inspect=lambda _: expected))
    (tmp_path / "model.other").write_bytes(b"x")
    assert inspect_path(tmp_path / "model.other") is expected


def test_a_keras_file_without_the_workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ".other", lambda: None)
    (tmp_path / "model.keras").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r"model\.keras.*pip install 'deeprnn-edge\[export\]'"):
        inspect_path(tmp_path / "model.keras")


def test_a_format_whose_packages_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise ModuleNotFoundError("No module named 'tree'", name="tree")

    register(monkeypatch, ".other", load)
    (tmp_path / "model.other").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match="needs the module tree"):
        inspect_path(tmp_path / "model.other")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file or directory: .*gone\.onnx"):
        inspect_path(tmp_path / "gone.onnx")


def test_a_suffix_that_nothing_reads(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(InputError, match=r"the suffix '\.pt'; expected a bundle .*\.h5, \.keras, \.onnx, \.tflite"):
        inspect_path(tmp_path / "model.pt")


def test_a_directory_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        inspect_path(tmp_path)


def test_an_altered_artifact(copied: Path) -> None:
    content = bytearray((copied / "model.onnx").read_bytes())
    content[-1] ^= 1
    (copied / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="hash"):
        inspect_path(copied)
