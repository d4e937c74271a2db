"""What a manifest may not say: numbers that no network has, and files that do not hold what it says."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.manifest import decode_manifest, encode_manifest
from deeprnn_edge.bundle.manifest_checks import check_manifest
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inputs.items import to_rows
from tests.support.fuzz_targets import BUNDLES, FIXTURES

CHANGES: list[tuple[list[Any], Any, str]] = [
    (["artifacts"], [], "lists no artifact"),
    (["artifacts", 1, "path"], "model.onnx", "artifacts has 'model.onnx' twice"),
    (["artifacts", 0, "size_bytes"], -1, "artifacts[0].size_bytes is -1, expected 1 to"),
    (["artifacts", 0, "size_bytes"], 1 << 31, "artifacts[0].size_bytes is 2147483648, expected 1 to"),
    (["artifacts", 0, "sha256"], "no hash", "artifacts[0].sha256 is 'no hash', expected 64 hexadecimal"),
    (["artifacts", 0, "chunk"], 0, "artifacts[0].chunk is 0, expected 1 to"),
    (["inputs"], [], "inputs is empty"),
    (["outputs"], [], "outputs is empty"),
    (["inputs", 0, "dtype"], "object", "inputs[0].dtype is 'object', expected one of bool"),
    (["inputs", 0, "dtype"], "O", "inputs[0].dtype is 'O'"),
    (["inputs", 0, "shape"], [], "inputs[0].shape is [], expected 1 to 32 axes"),
    (["inputs", 0, "shape"], ["batch", 0], "inputs[0].shape is ['batch', 0], expected 1 to 32 axes of size 1"),
    (["inputs", 0, "shape"], ["batch", -5], "expected 1 to 32 axes of size 1"),
    (["inputs", 0, "shape"], [1] * 40, "expected 1 to 32 axes"),
    (["outputs", 0, "shape"], ["batch", 10**12], "268,435,456 elements a row at most"),
    (["inputs", 0, "id_count"], 0, "inputs[0].id_count is 0, expected 1 to"),
    (["preprocessing", "max_length"], 0, "preprocessing.max_length is 0, expected 1 to"),
    (["preprocessing", "max_length"], 10**12, "preprocessing.max_length is 1000000000000, expected 1 to"),
    (["preprocessing", "pad_id"], 1 << 40, "preprocessing.pad_id is 1099511627776, expected -2147483648 to"),
    (["preprocessing", "index_offset"], 2**31 - 1, "preprocessing.index_offset is 2147483647, expected -2147483648 to"),
    (["artifacts", 0, "parity", "atol"], -1.0, "artifacts[0].parity.atol is -1.0, expected 0 or more"),
    (["artifacts", 0, "parity", "cases"], -1, "artifacts[0].parity.cases is -1, expected 0 to"),
    (["artifacts", 0, "accuracy"], 1.5, "artifacts[0].accuracy is 1.5, expected 0 to 1"),
    (["artifacts", 0, "operators"], {"GRU": -2}, "artifacts[0].operators.'GRU' is -2, expected 0 to"),
    (["architecture", "parameters"], 2**60, "architecture.parameters is 1152921504606846976, expected 0 to"),
    (["stream", "states"], [], "stream.states is empty"),
    (["stream", "states", 0, "shape"], ["batch", "time"], "expected a size for each axis"),
    (["stream", "states", 0, "shape"], ["batch", 10**12], "elements a row at most"),
    (["stream", "states", 0, "dtype"], "object", "stream.states[0].dtype is 'object'"),
    (["stream", "inputs", 0, "shape"], ["batch", 4], "no axis 'time'"),
]


def changed(raw: dict[str, Any], path: list[Any], value: Any) -> str:
    target: Any = raw
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return json.dumps(raw)


@pytest.fixture
def raw(stream_bundle: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((stream_bundle / "manifest.json").read_text())
    return value


@pytest.mark.parametrize("name", BUNDLES)
def test_real_manifests_pass(name: str) -> None:
    check_manifest(decode_manifest((FIXTURES / name / "manifest.json").read_text()))


@pytest.mark.parametrize(("path", "value", "message"), CHANGES)
def test_what_cannot_be_is_named(raw: dict[str, Any], path: list[Any], value: Any, message: str) -> None:
    manifest = decode_manifest(changed(raw, path, value))
    with pytest.raises(BundleError) as error:
        check_manifest(manifest)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_that_would_be_padded_beyond_memory(raw: dict[str, Any]) -> None:
    raw["inputs"][0]["shape"] = ["batch", "time", 1_000_000]
    raw["preprocessing"]["max_length"] = 1_000_000
    with pytest.raises(BundleError, match="would have 1,000,000,000,000"):
        check_manifest(decode_manifest(json.dumps(raw)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["artifacts", 0, "parity", "atol"], 10**400, "expected a number that fits a float"),
        (["name"], "\ud800", "which is not Unicode text"),
        (["created_with"], {"\ud800": "1"}, "which is not Unicode text"),
        (["labels"], "x" * 1_000_000, "labels is 'xxx"),
        (["architecture"], [[[]]] * 10_000, "architecture is [[["),
        (["format_version"], True, "format_version True"),
        (["x" * 100_000], 1, "unknown field 'xxx"),
    ],
)
def test_values_that_json_has_and_a_manifest_has_not(
    raw: dict[str, Any], path: list[Any], value: Any, message: str
) -> None:
    with pytest.raises(BundleError) as error:
        decode_manifest(changed(raw, path, value))
    assert message in str(error.value)
    assert len(str(error.value)) < 500
    str(error.value).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ("1" * 10_000, "a number of thousands of digits"),
        ('{"format_version": 1, "format_version": 1}', "the name 'format_version' twice in one object"),
        ('{"atol": NaN}', "the number NaN"),
        ('{"atol": -Infinity}', "the number -Infinity"),
        ('{"atol": 1e999}', "the number 1e999"),
    ],
)
def test_json_that_python_does_not_read_or_another_reader_reads_otherwise(text: str, said: str) -> None:
    with pytest.raises(BundleError, match=rf"manifest\.json is not JSON: it (is|holds|has) {said}"):
        decode_manifest(text)


def test_a_number_that_is_none_is_not_written(raw: dict[str, Any]) -> None:
    manifest = decode_manifest(json.dumps(raw))
    parity = dataclasses.replace(manifest.artifacts[0].parity, atol=float("inf"))
    artifact = dataclasses.replace(manifest.artifacts[0], parity=parity)
    with pytest.raises(InputError, match="NaN or infinity"):
        encode_manifest(dataclasses.replace(manifest, artifacts=(artifact,)))


@pytest.mark.parametrize(
    ("artifact", "path", "value", "message"),
    [
        ("model.onnx", ["inputs", 0, "name"], "ids", "the input 'ids' is in the manifest alone"),
        ("model.onnx", ["outputs", 0, "name"], "a", "the output 'a' is in the manifest alone"),
        ("model.onnx", ["inputs", 0, "dtype"], "float32", r"'tokens' is int32 .*, the manifest says float32"),
        (
            "model.onnx",
            ["inputs", 0, "shape"],
            ["batch", 7],
            r"int32 \(batch, 16\), the manifest says int32 \(batch, 7\)",
        ),
        ("stream.onnx", ["stream", "states", 0, "name"], "x", "the input 'state_gru_1_h' is in the file alone"),
        ("stream.onnx", ["stream", "states", 0, "next_name"], "x", "the output 'next_state_gru_1_h' is in the file"),
        ("stream.onnx", ["stream", "states", 0, "shape"], ["batch", 99], r"says float32 \(batch, 99\)"),
        ("model.tflite", ["inputs", 0, "name"], "ids", "the input 'ids' is in the manifest alone"),
        ("model.tflite", ["outputs", 0, "name"], "a", "the output 'a' is in the manifest alone"),
        ("model.tflite", ["inputs", 0, "shape"], ["batch", 7], r"\(\?, 16\), the manifest says int32 \(batch, 7\)"),
    ],
)
def test_a_file_of_another_interface(
    stream_bundle: Path, tmp_path: Path, raw: dict[str, Any], artifact: str, path: list[Any], value: Any, message: str
) -> None:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in it")
    copy = Path(shutil.copytree(stream_bundle, tmp_path / "bundle"))
    (copy / "manifest.json").write_text(changed(raw, path, value))
    with pytest.raises(BundleError, match=rf"^{artifact}: .*{message}.*export the model again$"):
        deeprnn_edge.load(copy, artifact=artifact)


def test_items_for_a_model_without_a_time_axis(raw: dict[str, Any]) -> None:
    rules = decode_manifest((FIXTURES / "stream_steps" / "manifest.json").read_text()).preprocessing
    with pytest.raises(InputError, match=r"the model's input is \(batch, 5\); give it to run"):
        to_rows(np.zeros((1, 2, 5)), rules, TensorSpec("x", "float32", ("batch", 5)), {})
