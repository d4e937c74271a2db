"""Replaying golden vectors: an honest bundle passes, another does not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge import verify
from deeprnn_edge.bench.inputs import choose_inputs
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.errors import BundleError, MissingExtraError


def test_the_fixture_passes_in_both_formats(bundle_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has a .tflite artifact")
    onnx, tflite = verify(bundle_path)
    assert (onnx.artifact, tflite.artifact) == ("model.onnx", "model.tflite")
    assert onnx.passed
    assert tflite.passed
    assert onnx.max_abs_diff <= 1e-5
    assert not onnx.skipped


def test_without_litert_the_onnx_artifact_is_verified(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    onnx, tflite = verify(bundle_path, trusted=True)
    assert onnx.passed
    assert not tflite.passed
    assert tflite.problem is not None
    assert "pip install 'deeprnn-edge[tflite]'" in tflite.problem
    with pytest.raises(MissingExtraError):
        verify(bundle_path, artifact="model.tflite", trusted=True)


def test_another_answer_fails(bundle_path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    first, *rest = decode_golden((copy / "golden.npz").read_bytes())
    wrong = Case(first.name, first.inputs, {name: values + np.float32(1e-3) for name, values in first.outputs.items()})
    (copy / "golden.npz").write_bytes(encode_golden([wrong, *rest]))
    (result,) = verify(copy, artifact="model.onnx")
    assert not result.passed
    assert result.max_abs_diff == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x80\x04K\x01."])
def test_a_damaged_golden_file(bundle_path: Path, tmp_path: Path, content: bytes) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    (copy / "golden.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"golden\.npz"):
        verify(copy)


def test_golden_round_trip() -> None:
    case = Case("batch 1, full", {"a/b": np.arange(3)}, {"y": np.ones((1, 2), np.float32)})
    (read,) = decode_golden(encode_golden([case]))
    assert read.name == case.name
    assert np.array_equal(read.inputs["a/b"], case.inputs["a/b"])
    assert np.array_equal(read.outputs["y"], case.outputs["y"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda array: array[:0], "holds no row"),
        (lambda array: array.astype(np.int64), "has the dtype int64, expected int32"),
        (lambda array: array.astype(np.float16), "has the dtype float16, expected int32"),
        (lambda array: array[:, :3], r"has the shape \(1, 3\), expected"),
        (lambda array: array[0], "has the shape"),
    ],
)
def test_golden_inputs_that_the_model_does_not_take_reach_no_runtime(
    bundle_path: Path, tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    first, *rest = decode_golden((copy / "golden.npz").read_bytes())
    inputs = {name: change(values) for name, values in first.inputs.items()}
    (copy / "golden.npz").write_bytes(encode_golden([Case(first.name, inputs, first.outputs), *rest]))
    with pytest.raises(BundleError, match=said):
        verify(copy, trusted=True)
    with pytest.raises(BundleError, match=said):
        choose_inputs(open_bundle(copy), batch=1, length=None)


def test_a_case_without_outputs_is_refused() -> None:
    with pytest.raises(BundleError, match="'one' lacks inputs or outputs"):
        decode_golden(encode_golden([Case("one", {"x": np.ones((1, 2))}, {})]))
