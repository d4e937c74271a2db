"""A file that lost its bundle says what it takes and answers; the words stay out, and every tool still reads it."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import struct
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.manifest import Manifest, preprocessing_fields
from deeprnn_edge.cli.main import main
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.parity.verify import verify
from deeprnn_edge.runtimes import runtime_of
from deeprnn_edge.runtimes.tflite.library import load_schema
from deeprnn_edge.runtimes.tflite.notes import IDENTIFIER, METADATA
from deeprnn_export import export
from deeprnn_export.targets import TARGETS
from tests.support.keras_models import randomised
from tests.support.shared import made_once

WORDS = [f"word{number}" for number in range(400)] + ["naïve", "кино"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A bundle of texts with every file that has notes."""
    return made_once(tmp_path_factory, "notes", _make)


def _make(folder: Path) -> Manifest:
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32", name="ids"),
            keras.layers.Embedding(len(WORDS) + 2, 4, mask_zero=True),
            keras.layers.GRU(3),
            keras.layers.Dense(1, activation="sigmoid", name="p"),
        ]
    )
    return export(
        randomised(model),
        folder / "b",
        precisions=["fp32", "int8"],
        stream=True,
        vocabulary=WORDS,
        rules="textvectorization",
        labels=["schlecht", "gut ✓"],
        threshold=0.7,
        name="Urteil",
    )


def test_every_file_says_it(made: tuple[Path, Manifest]) -> None:
    folder, manifest = made[0] / "b", made[1]
    assert len(manifest.artifacts) == 8
    words = (folder / "vocabulary.txt").read_bytes()
    for artifact in manifest.artifacts:
        notes = inspect_path(folder / artifact.path).artifacts[0].notes
        assert (notes["name"], notes["labels"]) == ("Urteil", ["schlecht", "gut ✓"])
        assert Answer(**notes["answer"]) == manifest.answer
        stated = {
            name: value for name, value in preprocessing_fields(manifest.preprocessing).items() if value is not None
        }
        vocabulary = notes["preprocessing"].pop("vocabulary")
        assert vocabulary == {
            "path": stated.pop("vocabulary"),
            "size_bytes": len(words),
            "sha256": hashlib.sha256(words).hexdigest(),
            "words": len(WORDS),
        }
        assert notes["preprocessing"] == stated
        states = json.loads(json.dumps([dataclasses.asdict(one) for one in manifest.stream.states]))  # type: ignore[union-attr]
        assert notes.get("states") == (states if artifact.kind == "stream" else None)
        assert b"word17" not in (folder / artifact.path).read_bytes()
    assert all(result.passed for result in verify(folder))


def test_other_tools_read_it(made: tuple[Path, Manifest]) -> None:
    folder = made[0] / "b"
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["deeprnn_edge.labels"]) == ["schlecht", "gut ✓"]
    onnx.checker.check_model(str(folder / "model.onnx"))
    # As tflite-support's own extractor goes: the named buffer, its identifier, then the tables by their slots.
    content = (folder / "model.tflite").read_bytes()
    model = load_schema().Model.GetRootAs(content, 0)
    (index,) = [at for at in range(model.MetadataLength()) if model.Metadata(at).Name().decode() == METADATA]
    data = bytearray(model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy())
    assert data[4:8] == IDENTIFIER
    root = _Table(data, struct.unpack_from("<I", data)[0])
    assert root.text(0) == "Urteil"
    assert json.loads(root.text(1))["deeprnn_edge.labels"] == ["schlecht", "gut ✓"]
    graph = root.vector(3)[0]
    sides = [[tensor.text(0) for tensor in graph.vector(slot)] for slot in (2, 3)]
    assert sides == [["ids"], ["p"]]


class _Table:
    """A flatbuffer's table, read by the slots of its fields."""

    def __init__(self, data: bytearray, at: int) -> None:
        self._table = importlib.import_module("flatbuffers").table.Table(data, at)

    def text(self, slot: int) -> str:
        return str(self._table.String(self._table.Pos + self._table.Offset(4 + 2 * slot)).decode("utf-8"))

    def vector(self, slot: int) -> list[_Table]:
        offset = self._table.Offset(4 + 2 * slot)
        start = self._table.Vector(offset)
        return [
            _Table(self._table.Bytes, self._table.Indirect(start + 4 * number))
            for number in range(self._table.VectorLen(offset))
        ]


def test_a_file_grows_by_what_it_says(made: tuple[Path, Manifest]) -> None:
    folder = made[0] / "b"
    for path, kind in (("model.onnx", "onnx"), ("model.tflite", "tflite")):
        content, annotate = (folder / path).read_bytes(), TARGETS[kind].annotate
        assert annotate is not None
        notes = {"deeprnn_edge.name": '"Urteil"'}
        notes = {
            f"deeprnn_edge.{key}": json.dumps(value)
            for key, value in runtime_of(kind).inspect(content, path).notes.items()
        }
        size = sum(len(key) + len(value.encode()) for key, value in notes.items())
        bare = annotate(content, dict.fromkeys(notes, "0") if kind == "onnx" else {"deeprnn_edge.name": '""'})
        assert len(content) - len(bare) <= size
        assert annotate(content, notes) == annotate(annotate(content, notes), notes)  # written once, however often


def test_inspect_shows_it_of_a_file_alone(made: tuple[Path, Manifest], tmp_path: Path) -> None:
    for path in ("stream.onnx", "model.tflite"):
        (tmp_path / path).write_bytes((made[0] / "b" / path).read_bytes())
        shown = CliRunner().invoke(main, ["inspect", str(tmp_path / path)]).stdout
        assert "schlecht" in shown
        assert '"threshold": 0.7' in shown
        assert "word17" not in shown
        said = json.loads(CliRunner().invoke(main, ["inspect", str(tmp_path / path), "--json"]).stdout)
        assert said["artifacts"][0]["notes"]["labels"] == ["schlecht", "gut ✓"]
        # What a file says of itself is no bundle: nothing stands for it.
        with pytest.raises(deeprnn_edge.BundleError):
            deeprnn_edge.load(tmp_path / path)


@pytest.mark.parametrize("value", ["{", "[" * 100_000, "\ud7ff", "NaN"])
def test_anybodys_notes_are_text_at_most(made: tuple[Path, Manifest], value: str) -> None:
    proto = onnx.load(made[0] / "b" / "model.onnx")
    onnx.helper.set_model_props(proto, {"deeprnn_edge.labels": value, "author": "somebody"})
    notes: Any = runtime_of("onnx").inspect(proto.SerializeToString(), "m.onnx").notes
    assert notes.keys() == {"labels"}
    assert isinstance(notes["labels"], str | float)


def test_anybodys_metadata_breaks_nothing(made: tuple[Path, Manifest]) -> None:
    content = bytearray((made[0] / "b" / "model.tflite").read_bytes())
    start = content.index(IDENTIFIER) - 4
    random = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(content)
        changed[start + int(random.integers(0, 200))] = int(random.integers(0, 256))
        assert runtime_of("tflite").inspect(bytes(changed), "m.tflite").inputs
