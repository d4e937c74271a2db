"""A packed bundle: small, the same bytes each time, and the same answers as the whole one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bench.inputs import choose_inputs
from deeprnn_edge.bundle.artifact import Evaluation, StoredTensor
from deeprnn_edge.bundle.bundle import MANIFEST, companion, open_bundle
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.zip_writer import zip_files
from deeprnn_edge.inference.packing import Packed, pack, to_json
from deeprnn_edge.runtimes.artifacts import choose_artifact
from tests.support.changed_bundle import change_manifest

TEXTS = ["a gorgeous, moving film", "dull", "", "it was the best of films, it was the worst of films " * 5]


@pytest.fixture
def bundle(bundle_path: Path, tmp_path: Path) -> Path:
    """A bundle of three artifacts, the last of which says all that a manifest can."""
    target = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    shutil.copy(target / "model.onnx", target / "model.int8.onnx")
    artifacts = open_bundle(target).manifest.artifacts
    int8 = dataclasses.replace(
        artifacts[0],
        path="model.int8.onnx",
        precision="int8",
        accuracy=0.89,
        evaluation=Evaluation("reviews", 1000, 0.89, 0.9, -1.0, 12, 0.001, 0.02),
        tensors=(StoredTensor("gru_1/R", "int8", 120, effect=0.01, reason="größer"),),
    )
    change_manifest(target, artifacts=(*artifacts, int8), kept_words=40)
    return target


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize("artifact", [None, "model.onnx", "model.int8.onnx", "model.tflite"])
@pytest.mark.parametrize("golden", [False, True])
def test_the_answers_are_those_of_the_whole_bundle(
    bundle: Path, tmp_path: Path, artifact: str | None, golden: bool
) -> None:
    if artifact == "model.tflite":
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in it")
    target = tmp_path / "out.zip"
    pack(bundle, target, artifacts=[artifact] if artifact else (), golden=golden)
    whole, packed = deeprnn_edge.load(bundle, artifact=artifact), deeprnn_edge.load(target)
    assert packed.artifact.path == whole.artifact.path
    assert np.array_equal(packed.predict(TEXTS), whole.predict(TEXTS))
    inputs = choose_inputs(open_bundle(bundle), batch=3, length=None).feeds
    for name, answer in whole.run(inputs).items():
        assert np.array_equal(packed.run(inputs)[name], answer)


def test_it_holds_what_runs_and_nothing_else(bundle: Path, tmp_path: Path) -> None:
    packed = pack(bundle, tmp_path / "out.zip")
    assert names(tmp_path / "out.zip") == ["manifest.json", "model.onnx", "vocabulary.txt"]
    assert packed == Packed(
        path=str(tmp_path / "out.zip"),
        size_bytes=(tmp_path / "out.zip").stat().st_size,
        bundle=str(bundle),
        bundle_size_bytes=sum(file.stat().st_size for file in bundle.iterdir()),
        artifacts=("model.onnx",),
        golden=False,
    )
    assert packed.size_bytes < packed.bundle_size_bytes / 4
    assert json.loads(to_json(packed))["artifacts"] == ["model.onnx"]


def test_golden_vectors_on_demand(bundle: Path, tmp_path: Path) -> None:
    pack(bundle, tmp_path / "out.zip", artifacts=["model.int8.onnx"], golden=True)
    assert names(tmp_path / "out.zip") == ["golden.npz", "manifest.json", "model.int8.onnx", "vocabulary.txt"]
    (result,) = deeprnn_edge.verify(tmp_path / "out.zip")
    assert (result.artifact, result.passed) == ("model.int8.onnx", True)


def test_without_golden_vectors_verify_says_so(bundle: Path, tmp_path: Path) -> None:
    pack(bundle, tmp_path / "out.zip")
    with pytest.raises(BundleError, match=r"out\.zip was packed without golden vectors.* pack .* --golden"):
        deeprnn_edge.verify(tmp_path / "out.zip")
    with pytest.raises(BundleError, match="was packed without golden vectors"):
        pack(tmp_path / "out.zip", tmp_path / "again.zip", golden=True)
    assert not (tmp_path / "again.zip").exists()


def test_several_artifacts_keep_the_manifest_s_order(bundle: Path, tmp_path: Path) -> None:
    packed = pack(bundle, tmp_path / "out.zip", artifacts=["model.int8.onnx", "model.tflite", "model.int8.onnx"])
    assert packed.artifacts == ("model.tflite", "model.int8.onnx")
    assert choose_artifact(open_bundle(tmp_path / "out.zip")).path == "model.int8.onnx"


def test_the_manifest_says_the_same_of_what_is_kept(bundle: Path, tmp_path: Path) -> None:
    pack(bundle, tmp_path / "out.zip", artifacts=["model.int8.onnx"])
    whole, packed = open_bundle(bundle).manifest, open_bundle(tmp_path / "out.zip").manifest
    kept = dataclasses.replace(whole.artifacts[2], operators=None, recurrences=(), tensors=())
    vocabulary = companion("vocabulary.txt", (bundle / "vocabulary.txt").read_bytes())
    assert packed == dataclasses.replace(whole, artifacts=(kept,), companions=(vocabulary,))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        text = archive.read(MANIFEST).decode("utf-8")
    assert "\n" not in text
    assert "null" not in text


def test_the_bytes_are_the_same_each_time(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(bundle, tmp_path / "a.zip", golden=True)
    later = time.time() + 10**8
    monkeypatch.setattr(time, "time", lambda: later)
    pack(bundle, tmp_path / "b.zip", golden=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    # Packed from a zip of the same files, too.
    whole = {file.name: file.read_bytes() for file in bundle.iterdir()}
    (tmp_path / "whole.zip").write_bytes(zip_files(whole))
    pack(tmp_path / "whole.zip", tmp_path / "c.zip", golden=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "c.zip").read_bytes()


def test_a_zip_s_entries(tmp_path: Path) -> None:
    files = {"b": b"x" * 1000, "a": b""}
    content = zip_files(files)
    assert content == zip_files(dict(reversed(files.items())))
    (tmp_path / "a.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["a", "b"]
    assert {(entry.date_time, entry.compress_type, entry.external_attr >> 16) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED, 0o644)
    }


def test_an_altered_artifact_is_not_packed(bundle: Path, tmp_path: Path) -> None:
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[100] ^= 1
    (bundle / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="differs from the hash"):
        pack(bundle, tmp_path / "out.zip")
    assert not list(tmp_path.glob("*.zip"))
    assert pack(bundle, tmp_path / "out.zip", artifacts=["model.int8.onnx"]).artifacts == ("model.int8.onnx",)


def test_a_model_without_a_vocabulary(bundle: Path, tmp_path: Path) -> None:
    manifest = open_bundle(bundle).manifest
    change_manifest(bundle, preprocessing=dataclasses.replace(manifest.preprocessing, kind="tokens", vocabulary=None))
    pack(bundle, tmp_path / "out.zip")
    assert names(tmp_path / "out.zip") == ["manifest.json", "model.onnx"]
    assert deeprnn_edge.load(tmp_path / "out.zip").predict([[5, 6, 7]]).shape == (1, 1)


def test_a_taken_output_is_replaced_with_force_alone(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"exists; choose another output=, or replace it with force=True"):
        pack(bundle, target)
    assert target.read_text(encoding="utf-8") == "mine"
    pack(bundle, target, force=True)
    assert hashlib.sha256(open_bundle(target).read("model.onnx")).hexdigest() == (
        open_bundle(bundle).artifact("model.onnx").sha256
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle", "out.zip"]


@pytest.mark.parametrize("name", ["out", "out.tar", "out.zip.gz", ".", ".zip"])
def test_an_output_that_is_no_zip(bundle: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"has no suffix \.zip; .* give a name such as"):
        pack(bundle, tmp_path / name)
