"""The model as an object: named answers, a repr, an end, and copies that open the file again."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import os
import pickle
import shutil
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge import BundleError, InputError, Manifest, Model
from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.inference.names import check_count, name_rows
from deeprnn_edge.inference.packing import pack

TEXTS = ["a gorgeous, moving film", "dull plot; BORING!", ""]


@pytest.fixture
def model(bundle_path: Path) -> Model:
    return deeprnn_edge.load(bundle_path)


def test_names_and_probabilities(model: Model) -> None:
    answers = model.predict(TEXTS)
    assert isinstance(answers, np.ndarray)
    named = model.classify(TEXTS)
    assert [[name for name, _ in sorted(row)] for row in named] == [sorted(model.manifest.labels)] * len(TEXTS)
    for row, answer in zip(named, answers, strict=True):
        assert row[0][1] == pytest.approx(max(*answer, 1 - answer.sum() if len(answer) == 1 else 0))
        assert row == sorted(row, key=lambda pair: -pair[1])
    assert model.classify(TEXTS[0], top_k=1) == [named[0][:1]]
    assert model.classify([]) == []


def explained(labels: Any, answer: Answer | None = None) -> Manifest:
    """A manifest that says no more than what an output stands for."""
    told: Any = SimpleNamespace(labels=labels, answer=answer, outputs=(None,))
    return cast(Manifest, told)


def rank_classes(answer: Any, labels: Any, top_k: int) -> Any:
    check_count(top_k)
    return name_rows(answer, explained(labels), top_k=top_k)


def test_classes_of_one_and_of_many_outputs() -> None:
    assert rank_classes(np.array([[0.75], [0.5]]), ("no", "yes"), 2) == [
        [("yes", 0.75), ("no", 0.25)],
        [("no", 0.5), ("yes", 0.5)],
    ]
    assert rank_classes(np.array([[0.125, 0.5, 0.375]]), "abc", 2) == [[("b", 0.5), ("c", 0.375)]]
    assert rank_classes(np.array([[0.25, 0.5, 0.25]]), "abc", 9) == [[("b", 0.5), ("a", 0.25), ("c", 0.25)]]


@pytest.mark.parametrize(
    ("answer", "labels", "top_k", "said"),
    [
        (np.ones((1, 2)), (), 3, "names no classes; export the model with: deeprnn-edge export MODEL --labels"),
        (np.ones((1, 4, 2)), "ab", 3, r"gives answers of the shape \(1, 4, 2\)"),
        ({"a": np.ones((1, 2)), "b": np.ones((1, 2))}, "ab", 3, "gives 2 outputs"),
        (np.ones((1, 3)), "ab", 3, "the manifest has 2 labels, and the model 3 classes"),
        (np.ones((1, 2)), "ab", 0, "top_k 0: expected 1 or more"),
        (np.ones((1, 2)), "ab", "all", "top_k is 'all', expected a whole number"),
    ],
)
def test_answers_without_names(answer: Any, labels: Any, top_k: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rank_classes(answer, labels, top_k)


def test_what_it_says_it_is(model: Model) -> None:
    name, labels = model.manifest.name, ", ".join(model.manifest.labels)
    assert repr(model) == f"<Model {name!r}, model.onnx (fp32): texts to {labels}>"
    many = dataclasses.replace(model.manifest, labels=tuple("abcdef"))
    model.manifest = many
    assert repr(model).endswith("texts to a, b, c, d, ...>")
    model.manifest = dataclasses.replace(many, labels=())
    assert repr(model).endswith(f"texts to {many.outputs[0].name}>")


def test_an_end(bundle_path: Path) -> None:
    with deeprnn_edge.load(bundle_path) as model:
        assert len(model.predict(TEXTS)) == 3
    for ask in (model.predict, model.classify):
        with pytest.raises(InputError, match="the model is closed; load it again"):
            ask(TEXTS)
    with pytest.raises(InputError, match="the model is closed"):
        model.run(np.ones((1, 16), np.int32))
    with pytest.raises(InputError, match="the model is closed"):
        model.stream()
    model.close()  # again


def test_streams_outlive_their_model(stream_bundle: Path) -> None:
    model = deeprnn_edge.load(stream_bundle)
    running = model.stream()
    expected = model.stream().push("film")
    model.close()
    np.testing.assert_array_equal(running.push("film"), expected)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_open_the_file_again(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, again: Any
) -> None:
    monkeypatch.chdir(bundle_path.parent)
    model = deeprnn_edge.load(bundle_path.name, threads=2)
    monkeypatch.chdir(tmp_path)  # a copy made elsewhere finds the bundle all the same
    twin = again(model)
    assert twin is not model
    assert twin.artifact == model.artifact
    model.close()
    np.testing.assert_array_equal(twin.predict(TEXTS), deeprnn_edge.load(bundle_path).predict(TEXTS))


def test_a_copy_of_a_bundle_that_is_gone(bundle_path: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle_path, tmp_path / "b")
    content = pickle.dumps(deeprnn_edge.load(tmp_path / "b"))
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(BundleError, match="no such bundle"):
        pickle.loads(content)


@pytest.fixture
def content(bundle_path: Path, tmp_path: Path) -> bytes:
    """The bytes of a packed bundle, which is nowhere on the disk any more."""
    pack(bundle_path, tmp_path / "p.zip")
    read = (tmp_path / "p.zip").read_bytes()
    (tmp_path / "p.zip").unlink()
    return read


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_bundle_of_bytes(content: bytes, bundle_path: Path, kind: Any) -> None:
    expected = deeprnn_edge.load(bundle_path)
    model = deeprnn_edge.load(kind(content))
    np.testing.assert_array_equal(model.predict(TEXTS), expected.predict(TEXTS))
    assert model.classify(TEXTS) == expected.classify(TEXTS)
    for again in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict(TEXTS), expected.predict(TEXTS))


def test_bytes_of_a_bundle_with_streams(stream_bundle: Path, tmp_path: Path) -> None:
    artifacts = ["model.onnx", "stream.onnx"]
    pack(stream_bundle, tmp_path / "p.zip", artifacts=artifacts)
    model = deeprnn_edge.load((tmp_path / "p.zip").read_bytes(), artifact="model.onnx", trusted=False)
    expected = deeprnn_edge.load(stream_bundle).stream().push("film")
    np.testing.assert_array_equal(copy.deepcopy(model).stream().push("film"), expected)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "no manifest"])
def test_bytes_that_are_no_bundle(content: bytes, damage: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("model.onnx", b"")
    middle = len(content) // 2
    damaged = {
        "empty": b"",
        "text": b"model.onnx",
        "cut": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "no manifest": made.getvalue(),
    }
    with pytest.raises(BundleError, match=r"bytes"):
        deeprnn_edge.load(damaged[damage])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([7],), "got a list; expected a bundle's path, or the bytes of its zip"),
        ((None,), "got a NoneType"),
        (("b", {"threads": 0}), "threads is 0, expected a whole number of 1 or more"),
        (("b", {"threads": True}), "threads is True"),
        (("b", {"threads": "2"}), "threads is '2'"),
        (("b", {"artifact": 3}), "artifact is 3, expected the name of a file in the bundle"),
    ],
)
def test_arguments_of_another_kind(arguments: Any, said: str) -> None:
    (path, *options) = arguments
    with pytest.raises(InputError, match=said):
        deeprnn_edge.load(path, **dict(*options))


def _ask(model: Model) -> tuple[int, list[list[float]]]:
    return os.getpid(), json.loads(json.dumps(np.asarray(model.predict(TEXTS)).tolist()))


def test_a_model_in_another_process(model: Model) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        process, answers = pool.submit(_ask, model).result()
    assert process != os.getpid()
    assert answers == np.asarray(model.predict(TEXTS)).tolist()
