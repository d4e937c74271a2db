"""An ONNX file with stored weights answers as the same file with the values they are read back as."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from deeprnn_edge.runtimes.onnx.inspection import inspect_onnx
from deeprnn_edge.runtimes.onnx.session import OnnxSession
from deeprnn_export.targets.onnx.storage import store
from deeprnn_export.targets.onnx.weights import read_weights, with_stored, with_values


def lookup(width: int, *, tied: bool = False, axis: int = 0) -> onnx.ModelProto:
    """Ids to rows of a table, times a kernel; ``tied`` also multiplies by the table itself."""
    random = np.random.default_rng(1)
    table = random.standard_normal((20, width)).astype(np.float32)
    kernel = random.standard_normal((width, 6)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "look_up", axis=axis),
        helper.make_node("MatMul", ["rows", "kernel"], ["y"], "product"),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "time", 6])]
    if tied:
        nodes += [helper.make_node("Transpose", ["table"], ["t"]), helper.make_node("MatMul", ["rows", "t"], ["z"])]
        outputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", "time", 20]))
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])],
        outputs,
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(kernel, "kernel")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answers(content: bytes, ids: np.ndarray) -> dict[str, np.ndarray]:
    return OnnxSession(content, "model.onnx").run({"ids": ids})


@pytest.mark.parametrize("width", [1, 2, 5, 32, 33, 64, 97])
@pytest.mark.parametrize("storage", ["fp16", "int8", "int4"])
def test_reading_back_is_exact(storage: str, width: int) -> None:
    proto = lookup(width)
    weights = {weight.name: weight for weight in read_weights(proto)}
    assert weights["table"].is_table
    stored = {"table": store("table", weights["table"].values, storage, rows=True)}
    if width > 1:
        stored["kernel"] = store("kernel", weights["kernel"].values, "int8", rows=False)
    ids = np.arange(20, dtype=np.int32).reshape(4, 5)
    content = with_stored(proto, stored).SerializeToString()
    expected = answers(with_values(proto, {name: one.values for name, one in stored.items()}), ids)
    # float16 scales and integers multiply in float32 on both sides.
    np.testing.assert_allclose(answers(content, ids)["y"], expected["y"], rtol=0, atol=1e-6)
    inspection = inspect_onnx(content, "model.onnx")
    assert not inspection.foreign
    assert "float32" not in {t.dtype for t in inspection.tensors if t.name.startswith("table") and t.parameters > 20}


def test_a_gather_of_columns_is_no_table() -> None:
    assert not any(weight.is_table for weight in read_weights(lookup(6, axis=1)))


def test_a_table_that_is_read_otherwise_is_read_back_whole() -> None:
    proto = lookup(6, tied=True)
    (table,) = [weight for weight in read_weights(proto) if weight.name == "table"]
    assert not table.is_table
    stored = {"table": store("table", table.values, "int8", rows=False)}
    ids = np.arange(20, dtype=np.int32).reshape(4, 5)
    expected = answers(with_values(proto, {"table": stored["table"].values}), ids)
    actual = answers(with_stored(proto, stored).SerializeToString(), ids)
    for name, values in expected.items():
        np.testing.assert_allclose(actual[name], values, rtol=0, atol=1e-5)


def test_biases_are_no_weights() -> None:
    proto = lookup(4)
    proto.graph.initializer.append(numpy_helper.from_array(np.ones((1, 500), np.float32), "bias"))
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(500, np.float32), "vector"))
    assert [weight.name for weight in read_weights(proto)] == ["table", "kernel"]
