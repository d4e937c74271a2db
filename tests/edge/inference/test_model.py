"""The runtime on the fixture bundle: the same answers however the input comes, and errors that help."""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge import DeepRNNEdgeError, Model
from deeprnn_edge.bundle.golden import decode_golden
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError, MissingExtraError
from deeprnn_edge.inputs.text import TextEncoder

TEXTS = ["a gorgeous, moving film", "dull plot; BORING!", "", "word " * 40, "the film that it is"]


@pytest.fixture(params=["model.onnx", "model.tflite"])
def model(request: pytest.FixtureRequest, bundle_path: Path) -> Model:
    if request.param.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    return deeprnn_edge.load(bundle_path, artifact=request.param)


def test_run_gives_what_keras_gave(model: Model, bundle_path: Path) -> None:
    for case in decode_golden((bundle_path / "golden.npz").read_bytes()):
        for name, values in model.run(case.inputs).items():
            np.testing.assert_allclose(values, case.outputs[name], rtol=0, atol=1e-5)


def test_text_ids_and_arrays_give_one_answer(model: Model, bundle_path: Path) -> None:
    encode = TextEncoder(Preprocessing("text"), (bundle_path / "vocabulary.txt").read_text().splitlines()).encode
    rows = [encode(text) for text in TEXTS]
    padded = np.zeros((len(rows), 16), np.int32)
    for target, row in zip(padded, rows, strict=True):
        target[16 - min(16, len(row)) :] = row[-16:]
    expected = model.run(padded)["probability"]
    assert expected.shape == (len(TEXTS), 1)
    np.testing.assert_array_equal(model.predict(TEXTS), expected)
    np.testing.assert_array_equal(model.predict(rows), expected)
    np.testing.assert_array_equal(model.predict(padded.astype(np.int64)), expected)
    np.testing.assert_array_equal(model.run({"tokens": padded.astype(np.int64)})["probability"], expected)


def test_many_answer_as_one_by_one(model: Model) -> None:
    together = model.predict(TEXTS)
    apart = np.concatenate([model.predict(text) for text in TEXTS])
    np.testing.assert_allclose(together, apart, rtol=0, atol=1e-6)


def test_both_formats_agree(bundle_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    onnx, tflite = (deeprnn_edge.load(bundle_path, artifact=f"model.{kind}") for kind in ("onnx", "tflite"))
    np.testing.assert_allclose(onnx.predict(TEXTS), tflite.predict(TEXTS), rtol=0, atol=1e-5)


def test_the_order_of_calls_does_not_matter(model: Model) -> None:
    first = model.predict(TEXTS[0])
    model.predict(TEXTS[1:])
    np.testing.assert_array_equal(model.predict(TEXTS[0]), first)


def test_an_empty_text_is_the_start_alone(model: Model) -> None:
    np.testing.assert_array_equal(model.predict([""]), model.predict([[1]]))


@pytest.mark.parametrize("nothing", [[], (), np.zeros((0, 16), np.int32)])
def test_an_empty_list_has_an_answer_of_no_rows(model: Model, nothing: Any) -> None:
    assert model.predict(nothing).shape == (0, 1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.full((1, 16), 44, np.int32), r"has the id 44 in row 0; ids lie in \[0, 44\)"),
        (np.full((1, 16), -1, np.int64), "has the id -1"),
        (np.zeros(16, np.int32), r"has the shape \(16,\), expected \(batch, 16\)"),
        (np.zeros((1, 15), np.int32), r"has the shape \(1, 15\)"),
        (np.zeros((1, 16), np.float32), "dtype float32, expected integers"),
        (np.full((1, 16), "a"), "expected integers"),
        ([[1, 2], [3]], "rows of unequal length; use predict"),
        ({"words": np.zeros((1, 16), np.int32)}, r"got the inputs \['words'\], expected \['tokens'\]"),
    ],
)
def test_run_refuses(model: Model, given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.run(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1, 2, 99]], "has the id 99"),
        (["fine", 3], "item 1 is a int among texts"),
        (7, "got a int; expected texts, or sequences of ids"),
        (b"bytes", "got a bytes"),
        ([[0.5, 1.5]], "item 0 has the shape"),
        ([[2**40]], "does not fit 32 bits"),
        ([[[1, 2]]], "item 0 has the shape"),
    ],
)
def test_predict_refuses(model: Model, given: Any, message: str) -> None:
    with pytest.raises(DeepRNNEdgeError, match=message):
        model.predict(given)


def test_text_without_a_vocabulary(bundle_path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(
        text.replace('"vocabulary": "vocabulary.txt"', '"vocabulary": null').replace('"text"', '"tokens"')
    )
    model = deeprnn_edge.load(copy)
    with pytest.raises(InputError, match="got text, but the model has no vocabulary"):
        model.predict(["film"])
    assert model.predict([[1, 4]]).shape == (1, 1)  # type: ignore[union-attr]


def test_tflite_without_litert(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'deeprnn-edge\[tflite\]'"):
        deeprnn_edge.load(bundle_path, artifact="model.tflite")


def test_several_threads_share_a_model(model: Model) -> None:
    expected = [model.predict(text) for text in TEXTS]
    wrong = []

    def work(seed: int) -> None:
        for index in np.random.default_rng(seed).integers(0, len(TEXTS), 100):
            if not np.array_equal(model.predict(TEXTS[index]), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
