"""What is used of ONNX Runtime, part by part: there as it is used, and in plain words where an upgrade took it away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError, MissingExtraError
from deeprnn_edge.inference.model import load
from deeprnn_edge.runtimes.onnx import RUNTIME, library
from deeprnn_edge.runtimes.onnx.session import OnnxSession

onnx = pytest.importorskip("onnx", reason="it writes the files")
helper, TensorProto = onnx.helper, onnx.TensorProto

NEWER = (
    r"^ONNX Runtime \d+\.\d+\.\d+\S* is newer than this release knows: .*{gone}.*; install an older ONNX Runtime, or"
)


def identity(kind: int, shape: list[Any]) -> bytes:
    inputs, outputs = (helper.make_tensor_value_info(name, kind, shape) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [inputs], [outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def test_session_options() -> None:
    session = library.start_session(RUNTIME.start_model, threads=2, steps=True)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads, options.enable_cpu_mem_arena) == (2, 1, False)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.load_model_format") == "ONNX"
    assert library.start_session(RUNTIME.start_model, threads=1, steps=False).get_session_options().enable_cpu_mem_arena


def test_session_config_load_model_format(tmp_path: Path) -> None:
    """A file of the runtime's own format is refused, which without the entry it would take."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(RUNTIME.start_model, options, providers=["CPUExecutionProvider"])
    content = (tmp_path / "model.ort").read_bytes()
    assert onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).get_inputs()[0].name == "x"
    with pytest.raises(BundleError, match=r"ONNX Runtime .* does not load it"):
        OnnxSession(content, "m")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"])
def test_node_arg(dtype: str) -> None:
    content = identity(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["batch", None, 3])
    inputs, outputs = library.interface_of(library.start_session(content, threads=1, steps=False))
    assert inputs == [TensorSpec("x", dtype, ("batch", "?", 3))]
    assert outputs == [TensorSpec("y", dtype, ("batch", "?", 3))]


def test_io_binding_and_ort_value_share_the_arrays_memory() -> None:
    session = library.start_session(identity(TensorProto.FLOAT, [2]), threads=1, steps=True)
    binding, run = library.start_binding(session)
    given, answered = np.zeros(2, np.float32), np.zeros(2, np.float32)
    library.bind(binding, "x", given, output=False)
    library.bind(binding, "y", answered, output=True)
    for value in (3, 4):
        given[:] = value
        run(binding)
        assert answered.tolist() == [value, value]


@pytest.mark.parametrize("gone", ["SessionOptions", "ExecutionMode"])
def test_a_release_without_a_part(monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    monkeypatch.delattr(onnxruntime, gone)
    with pytest.raises(MissingExtraError, match=NEWER.format(gone=gone)):
        OnnxSession(RUNTIME.start_model, "m")


@pytest.mark.parametrize("gone", ["OrtValue", "io_binding", "run_with_iobinding"])
def test_a_stream_in_a_release_without_a_part(stream_bundle: Path, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    model = load(stream_bundle)
    monkeypatch.delattr(onnxruntime if gone == "OrtValue" else onnxruntime.InferenceSession.__mro__[1], gone)
    with pytest.raises(MissingExtraError, match=NEWER.format(gone=gone)):
        model.stream().push("film")
