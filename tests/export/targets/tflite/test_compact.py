"""Compaction leaves out what nothing reads: the same operators, the same answers to the last bit."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite
from deeprnn_export import build_network
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite import convert as tflite_conversion
from deeprnn_export.targets.tflite.compact import compact
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from tests.support.keras_models import CELLS, randomised

schema: Any = importlib.import_module("ai_edge_litert.schema_py_generated")


@pytest.fixture
def _as_converted(monkeypatch: pytest.MonkeyPatch, convert_in_process: None) -> None:
    monkeypatch.setattr(tflite_conversion, "compact", lambda content: content)


def content_of(model: keras.Model, steps: int) -> bytes:
    return convert_to_tflite(ConversionInput(model, read_signature(model), shapes={"tokens": (1, steps)})).content


def data_of(content: bytes) -> list[Any]:
    model = schema.Model.GetRootAs(content, 0)
    return [model.Buffers(index).DataAsNumpy() for index in range(model.BuffersLength())]


@pytest.mark.one_in(4)
@pytest.mark.usefixtures("_as_converted")
@pytest.mark.parametrize("mask", [False, True], ids=["unmasked", "masked"])
@pytest.mark.parametrize("cell", CELLS)
def test_answers_stay_equal_to_the_last_bit(cell: str, mask: bool) -> None:
    model = randomised(build_network(cell, units=(5, 4), vocabulary_size=30, embedding_size=4, steps=26, mask=mask))
    whole = content_of(model, 26)
    small = compact(whole)
    assert len(small) < len(whole)
    assert compact(small) == small
    before, after = inspect_tflite(whole, "m"), inspect_tflite(small, "m")
    assert after.operators == before.operators
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    assert {tensor.name for tensor in after.tensors} <= {tensor.name for tensor in before.tensors}
    ids = np.random.default_rng(0).integers(0, 30, (6, 26)).astype(np.int32)
    answers = [open_session(one, kind="tflite", path="m").run({"tokens": ids})["probability"] for one in (whole, small)]
    np.testing.assert_array_equal(*answers)


@pytest.mark.usefixtures("_as_converted")
def test_each_constant_is_stored_once_and_aligned() -> None:
    small = compact(content_of(randomised(build_network("gru", units=(5, 4), vocabulary_size=30, steps=8)), 8))
    first, *others = data_of(small)
    assert isinstance(first, int)  # the schema's empty buffer: DataAsNumpy gives 0 for none
    assert len({bytes(data) for data in others}) == len(others)
    start = np.frombuffer(small, np.uint8).__array_interface__["data"][0]
    assert {(data.__array_interface__["data"][0] - start) % 16 for data in others} == {0}


@pytest.mark.usefixtures("_as_converted")
def test_metadata_keep_their_content() -> None:
    def metadata(content: bytes) -> dict[bytes, bytes]:
        model, data = schema.Model.GetRootAs(content, 0), data_of(content)
        entries = [model.Metadata(index) for index in range(model.MetadataLength())]
        return {entry.Name(): bytes(data[entry.Buffer()]) for entry in entries}

    whole = content_of(randomised(build_network("rnn", units=(5,), vocabulary_size=30, steps=6)), 6)
    assert metadata(compact(whole)) == metadata(whole) != {}
