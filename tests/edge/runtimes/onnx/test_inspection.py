"""The wire-format reader against the onnx package, and against bytes that are no model."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.onnx.inspection import inspect_onnx

onnx = pytest.importorskip("onnx", reason="the oracle is the onnx package")
damage = pytest.importorskip("google.protobuf.message").DecodeError


@pytest.fixture
def model_bytes(bundle_path: Path) -> bytes:
    return (bundle_path / "model.onnx").read_bytes()


def operators_by_onnx(graph: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for node in graph.node:
        counts[node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"] += 1
        for attribute in node.attribute:
            for body in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                counts += operators_by_onnx(body)
    return counts


def test_it_reads_what_the_onnx_package_reads(model_bytes: bytes) -> None:
    graph = onnx.load_model_from_string(model_bytes).graph
    found = inspect_onnx(model_bytes, "model.onnx", precision="fp32")
    assert found.operators == operators_by_onnx(graph)
    assert list(found.operators.values()) == sorted(found.operators.values(), reverse=True)
    assert found.recurrent
    assert not found.loops
    assert (found.path, found.format, found.precision, found.size_bytes) == (
        "model.onnx",
        "onnx",
        "fp32",
        len(model_bytes),
    )

    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    tensors = {tensor.name: tensor for tensor in found.tensors}
    for name, array in arrays.items():
        tensor = tensors[name]
        assert (tensor.shape, tensor.dtype, tensor.size_bytes) == (array.shape, array.dtype.name, array.nbytes)
        assert tensor.parameters == array.size
    sizes = [tensor.size_bytes for tensor in found.tensors]
    assert sizes == sorted(sizes, reverse=True)

    for specs, infos in ((found.inputs, graph.input), (found.outputs, graph.output)):
        assert [spec.name for spec in specs] == [info.name for info in infos]
        for spec, info in zip(specs, infos, strict=True):
            dims = info.type.tensor_type.shape.dim
            assert spec.shape == tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in dims)
            assert spec.dtype == onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type).name


def make_model(nodes: list[Any], initializers: list[Any] | None = None, **options: Any) -> Any:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["rows", None, 3])
    answer = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.BFLOAT16, [])
    graph = onnx.helper.make_graph(nodes, "g", [value], [answer], initializers or [])
    return onnx.helper.make_model(graph, **options)


def test_bodies_of_loops_and_branches_count() -> None:
    inner = onnx.helper.make_graph([onnx.helper.make_node("Tanh", ["a"], ["b"])], "inner", [], [])
    branch = onnx.helper.make_node("If", ["c"], ["b"], then_branch=inner, else_branch=inner)
    body = onnx.helper.make_graph([branch, onnx.helper.make_node("Add", ["a", "b"], ["c"])], "body", [], [])
    found = inspect_onnx(make_model([onnx.helper.make_node("Loop", ["n"], ["y"], body=body)]).SerializeToString(), "m")
    assert found.operators == {"Tanh": 2, "Add": 1, "If": 1, "Loop": 1}
    assert found.loops == {"If": 1, "Loop": 1}
    assert not found.recurrent


def test_operators_of_other_domains_are_foreign_and_local_functions_are_not() -> None:
    double = onnx.helper.make_function(
        "mine", "Double", ["a"], ["b"], [onnx.helper.make_node("Add", ["a", "a"], ["b"])], []
    )
    nodes = [
        onnx.helper.make_node("GatherBlockQuantized", ["x"], ["g"], domain="com.microsoft"),
        onnx.helper.make_node("Double", ["g"], ["y"], domain="mine"),
    ]
    found = inspect_onnx(make_model(nodes, functions=[double]).SerializeToString(), "m")
    assert found.operators == {"Add": 1, "com.microsoft.GatherBlockQuantized": 1}
    assert found.foreign == {"com.microsoft.GatherBlockQuantized": 1}


def test_constants_of_every_storage() -> None:
    external = onnx.helper.make_tensor("external", onnx.TensorProto.INT8, [5], b"\0" * 5, raw=True)
    external.ClearField("raw_data")
    external.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "4096"), ("length", "5")):
        external.external_data.add(key=key, value=value)
    initializers = [
        onnx.helper.make_tensor("typed", onnx.TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0]),
        onnx.numpy_helper.from_array(np.zeros((3, 7), np.float16), "raw"),
        onnx.numpy_helper.from_array(np.float64(1), "scalar"),
        external,
    ]
    value = onnx.numpy_helper.from_array(np.arange(6, dtype=np.int64), "unnamed")
    model = make_model([onnx.helper.make_node("Constant", [], ["six"], value=value)], initializers)
    found = inspect_onnx(model.SerializeToString(), "m")
    assert [(tensor.name, tensor.dtype, tensor.shape, tensor.size_bytes) for tensor in found.tensors] == [
        ("six", "int64", (6,), 48),
        ("raw", "float16", (3, 7), 42),
        ("typed", "float32", (2, 2), 16),
        ("scalar", "float64", (), 8),
        ("external", "int8", (5,), 5),
    ]


def test_axes_keep_their_names_and_initializers_are_no_inputs() -> None:
    weight = onnx.numpy_helper.from_array(np.zeros(2, np.float32), "w")
    model = make_model([onnx.helper.make_node("Add", ["x", "w"], ["y"])], [weight])
    model.graph.input.add(name="w")  # as files before IR version 4 have it
    found = inspect_onnx(model.SerializeToString(), "m")
    assert [(spec.name, spec.dtype, spec.shape) for spec in found.inputs] == [("x", "float32", ("rows", "?", 3))]
    assert [(spec.name, spec.dtype, spec.shape) for spec in found.outputs] == [("y", "bfloat16", ())]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"hello, world",
        b"\xff" * 100,
        b"PK\x03\x04",
        bytes(range(256)),
        b"\x3a\xff\xff\xff\xff\x7f",
        b"\x08\x08",
    ],
)
def test_other_bytes_are_named_as_no_onnx_model(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^some\.onnx is not an ONNX model \(.+\); .*export it again$"):
        inspect_onnx(content, "some.onnx")


def test_every_short_file_is_refused(model_bytes: bytes) -> None:
    for size in random.Random(0).sample(range(len(model_bytes)), 200):
        with pytest.raises(BundleError, match="is not an ONNX model"):
            inspect_onnx(model_bytes[:size], "m")


def test_a_damaged_file_is_read_as_protobuf_reads_it_or_refused(model_bytes: bytes) -> None:
    chance = random.Random(0)
    # Where the structure is, between the weights: a bit of a weight changes nothing to read.
    places = [*range(200), *range(len(model_bytes) - 4000, len(model_bytes))]
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        damaged = bytearray(model_bytes)
        for place in chance.choices(places, k=chance.choice([1, 1, 2, 8])):
            damaged[place] ^= 1 << chance.randrange(8)
        try:
            found = inspect_onnx(bytes(damaged), "m")
        except BundleError:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        try:
            graph = onnx.load_model_from_string(bytes(damaged)).graph
        except damage:
            continue  # damage in a part that inspect does not look at
        assert sum(found.operators.values()) == operators_by_onnx(graph).total()
    assert min(outcomes["read"], outcomes["refused"]) > 20


def test_graphs_nested_without_end_are_read() -> None:
    body = b""
    for _ in range(5000):  # GraphProto.node.attribute.g, each in the one before
        for field in (6, 5, 1):
            body = bytes([field << 3 | 2]) + length(body) + body
    model = b"\x08\x08\x3a" + length(body) + body
    assert sum(inspect_onnx(model, "m").operators.values()) == 5000


def length(content: bytes) -> bytes:
    size, out = len(content), bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size])
