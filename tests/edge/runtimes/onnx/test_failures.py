"""Graphs that load and fail as they run, or answer other rows: a named error, and nothing on stderr."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.onnx.library import name_failure
from tests.support.changed_bundle import change_manifest
from tests.support.damaged_bundle import put_artifact

onnx = pytest.importorskip("onnx", reason="graphs are made by it")


def _bundle(source: Path, folder: Path, op_type: str, constant: list[int], **attributes: Any) -> Path:
    """Return the fixture with a graph of its input, one operator and a constant in the place of the network."""
    helper, proto = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["f"], to=proto.FLOAT),
            helper.make_node(op_type, ["f", "c"], ["y"], **attributes),
        ],
        "g",
        [helper.make_tensor_value_info("x", proto.INT32, ["batch", 12])],
        [helper.make_tensor_value_info("y", proto.FLOAT, ["batch", 12])],
        [helper.make_tensor("c", proto.INT64, [len(constant)], constant)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    bundle = shutil.copytree(source, folder / "bundle")
    put_artifact(bundle, "model.onnx", model.SerializeToString())
    specs = {
        "inputs": (TensorSpec("x", "int32", ("batch", 12)),),
        "outputs": (TensorSpec("y", "float32", ("batch", 12)),),
    }
    change_manifest(bundle, **specs)
    return bundle


def test_a_graph_that_fails_as_it_runs(bundle_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = deeprnn_edge.load(_bundle(bundle_path, tmp_path, "Reshape", [7, 12]))
    with pytest.raises(BundleError, match=r"^model\.onnx: ONNX Runtime [\d.]+ cannot run it on these inputs: [^\n]*$"):
        model.run(np.ones((2, 12), np.int32))
    assert model.run(np.ones((7, 12), np.int32))["y"].shape == (7, 12)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_answers_another_number_of_rows(bundle_path: Path, tmp_path: Path) -> None:
    model = deeprnn_edge.load(_bundle(bundle_path, tmp_path, "ReduceMax", [0], keepdims=1))
    assert model.run(np.ones((1, 12), np.int32))["y"].shape == (1, 12)
    with pytest.raises(
        BundleError, match=r"the output 'y' has the shape \(1, 12\) for 2 rows, expected one answer a row"
    ):
        model.run(np.ones((2, 12), np.int32))


def test_a_damaged_name_in_a_graph_prints_nothing(
    bundle_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """ONNX Runtime's Python half would open it again, and print so on stdout."""
    bundle = _bundle(bundle_path, tmp_path, "Nothing", [1])
    with pytest.raises(BundleError, match="does not load it"):
        deeprnn_edge.load(bundle)
    assert capfd.readouterr() == ("", "")


def test_what_a_signal_raises_belongs_to_the_app() -> None:
    name_failure("m.onnx", TimeoutError("the app's own"))
    with pytest.raises(BundleError, match="cannot run it"):
        name_failure("m.onnx", RuntimeError("a kernel's"))
