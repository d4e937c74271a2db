"""ONNX files that take tensors from elsewhere, wherever in the file they say so: the onnx package writes them."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.onnx.external_data import refuse_external_data
from tests.support.changed_bundle import change_manifest

onnx = pytest.importorskip("onnx", reason="it writes the files")
helper = onnx.helper


def external(name: str = "weights", location: str = "weights.bin") -> Any:
    tensor = helper.make_tensor(name, onnx.TensorProto.FLOAT, [2], [1.0, 2.0])
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def graph(nodes: list[Any] | None = None, **fields: Any) -> Any:
    return helper.make_graph(nodes or [helper.make_node("Identity", ["x"], ["y"])], "g", [], [], **fields)


def sparse(values: Any, indices: Any) -> Any:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[9])


def inside() -> Any:
    return helper.make_tensor("inside", onnx.TensorProto.INT64, [2], [0, 1])


def nested(depth: int) -> Any:
    body = graph(initializer=[external()])
    for _ in range(depth):
        body = graph([helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=graph())])
    return body


def in_function() -> Any:
    node = helper.make_node("Constant", [], ["y"], value=external())
    function = helper.make_function("mine", "F", [], ["y"], [node], [])
    return helper.make_model(graph(), functions=[function])


def in_training_info() -> Any:
    model = helper.make_model(graph())
    model.training_info.add().initialization.CopyFrom(graph(initializer=[external()]))
    return model


def of_graph(make: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: helper.make_model(make())


PLACES: dict[str, Callable[[], Any]] = {
    "initializer": of_graph(lambda: graph(initializer=[inside(), external()])),
    "sparse values": of_graph(lambda: graph(sparse_initializer=[sparse(external(), inside())])),
    "sparse indices": of_graph(lambda: graph(sparse_initializer=[sparse(inside(), external())])),
    "attribute": of_graph(lambda: graph([helper.make_node("Constant", [], ["y"], value=external())])),
    "attribute of tensors": of_graph(lambda: graph([helper.make_node("X", [], ["y"], many=[inside(), external()])])),
    "sparse attribute": of_graph(
        lambda: graph([helper.make_node("Constant", [], ["y"], sparse_value=sparse(external(), inside()))])
    ),
    "subgraph": of_graph(lambda: nested(1)),
    "subgraph of a subgraph": of_graph(lambda: nested(7)),
    "graphs": of_graph(lambda: graph([helper.make_node("X", [], ["y"], bodies=[graph(), nested(0)])])),
    "function": in_function,
    "training information": in_training_info,
}


@pytest.mark.parametrize("place", PLACES)
def test_the_tensor_is_named(place: str) -> None:
    with pytest.raises(BundleError, match=r"^m\.onnx: the tensor 'weights' takes its data from outside of the file"):
        refuse_external_data(PLACES[place]().SerializeToString(), "m.onnx")


def test_the_onnx_package_finds_no_other_place() -> None:
    """The oracle: every field of its messages in which a tensor can be is one that the places above use or imply."""
    found: dict[str, set[str]] = {}
    pending, seen = [onnx.ModelProto.DESCRIPTOR], set()
    while pending:
        message = pending.pop()
        seen.add(message.name)
        for field in message.fields:
            if field.message_type is not None:
                found.setdefault(field.message_type.name, set()).add(f"{message.name}.{field.name}")
                if field.message_type.name not in seen:
                    pending.append(field.message_type)
    assert found["TensorProto"] == {
        "GraphProto.initializer", "AttributeProto.t", "AttributeProto.tensors",
        "SparseTensorProto.values", "SparseTensorProto.indices",
    }  # fmt: skip
    assert found["SparseTensorProto"] == {
        "GraphProto.sparse_initializer", "AttributeProto.sparse_tensor", "AttributeProto.sparse_tensors",
    }  # fmt: skip
    assert found["GraphProto"] == {
        "ModelProto.graph", "AttributeProto.g", "AttributeProto.graphs",
        "TrainingInfoProto.initialization", "TrainingInfoProto.algorithm",
    }  # fmt: skip
    assert found["AttributeProto"] == {"NodeProto.attribute", "FunctionProto.attribute_proto"}
    assert found["NodeProto"] == {"GraphProto.node", "FunctionProto.node"}


def test_a_tensor_that_only_says_so(bundle_path: Path) -> None:
    model = onnx.load_model_from_string((bundle_path / "model.onnx").read_bytes())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(BundleError, match=f"the tensor '{tensor.name}' takes its data from outside"):
        refuse_external_data(model.SerializeToString(), "m.onnx")


def test_a_tensor_may_be_called_location() -> None:
    value = onnx.numpy_helper.from_array(np.ones(2, np.float32), "location")
    nodes = [helper.make_node("Constant", [], ["location"], value=value, name="location")]
    refuse_external_data(helper.make_model(graph(nodes, initializer=[value])).SerializeToString(), "m.onnx")


@pytest.mark.parametrize("content", [b"\xff", b"\x3a\x05\x08", b"\x3b\x3c", b"PK\3\4", b"\0\0\0\0ORTM"])
def test_bytes_that_are_no_model(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^m\.onnx is not an ONNX model \(.+\); .*export it again$"):
        refuse_external_data(content, "m.onnx")


@pytest.mark.parametrize("location", ["weights.bin", "/etc/hostname", "../x", "*/_ORT_MEM_ADDR_/*"])
@pytest.mark.parametrize("how", ["load", "verify", "inspect", "pack"])
def test_in_a_bundle_whose_hashes_hold(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, how: str
) -> None:
    import onnxruntime

    from deeprnn_edge.inference.packing import pack
    from deeprnn_edge.inspection.inspect import inspect_path

    copy = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    model = onnx.load_model_from_string((copy / "model.onnx").read_bytes())
    model.graph.initializer.append(external("stolen", location))
    content = model.SerializeToString()
    (copy / "model.onnx").write_bytes(content)
    artifact = dataclasses.replace(
        open_bundle(copy).manifest.artifacts[0],
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    change_manifest(copy, artifacts=(artifact,))
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    calls: dict[str, Callable[[], object]] = {
        "load": lambda: deeprnn_edge.load(copy),
        "verify": lambda: deeprnn_edge.verify(copy),
        "inspect": lambda: inspect_path(copy),
        "pack": lambda: pack(copy, tmp_path / "out.zip"),
    }
    with pytest.raises(BundleError, match=r"^model\.onnx: the tensor 'stolen' takes its data from outside"):
        calls[how]()


def test_nesting_has_no_bound() -> None:
    """Deeper than Python recurses: graphs in attributes of nodes, 3,000 of each."""
    message: bytes = graph(initializer=[external()]).SerializeToString()
    for _ in range(3_000):
        for tag in (0x32, 0x2A, 0x0A):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            message = bytes([tag]) + _varint(len(message)) + message
    with pytest.raises(BundleError, match="the tensor 'weights' takes its data from outside"):
        refuse_external_data(b"\x3a" + _varint(len(message)) + message, "m.onnx")


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])
