"""ONNX files are understood whole or refused, and never take a tensor from elsewhere: the onnx package writes them."""

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
from deeprnn_edge.runtimes.onnx.schema import ENUMERATIONS, MESSAGES, ONE_OF, Field
from deeprnn_edge.runtimes.onnx.strict_reader import read_strictly
from tests.support.changed_bundle import change_manifest

onnx = pytest.importorskip("onnx", reason="it writes the files")
helper = onnx.helper


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


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
        read_strictly(PLACES[place]().SerializeToString(), "m.onnx")


def test_the_fields_are_those_of_the_onnx_package() -> None:
    """The oracle: the package's own descriptors, of every message that a model can hold."""
    kinds = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 9: "text", 12: "bytes"}
    enumerations: dict[str, frozenset[int]] = {}
    found: dict[str, dict[int, Field]] = {}
    one_of: dict[str, frozenset[int]] = {}
    pending = [onnx.ModelProto.DESCRIPTOR]
    while pending:
        message = pending.pop()
        if message.name in found:
            continue
        found[message.name] = {
            one.number: Field(
                (one.message_type or one.enum_type).name if one.type in (11, 14) else kinds[one.type],
                one.is_repeated,
                one.is_packed,
            )
            for one in message.fields
        }
        for one in message.fields:
            if one.enum_type:
                enumerations[one.enum_type.name] = frozenset(value.number for value in one.enum_type.values)
        for group in message.oneofs:
            one_of[message.name] = frozenset(one.number for one in group.fields)
        pending += [one.message_type for one in message.fields if one.message_type]
    assert found == MESSAGES
    assert enumerations == ENUMERATIONS
    assert one_of == ONE_OF


def test_what_the_onnx_package_writes_is_read(bundle_path: Path) -> None:
    model = onnx.load_model_from_string((bundle_path / "model.onnx").read_bytes())
    model.metadata_props.add(key="made", value="hère")
    model.graph.node[0].attribute.add(name="numbers", type=7, ints=[-1, 2**40])
    read_strictly(model.SerializeToString(), "m.onnx")


def tag(number: int, wire_type: int = 2, *, above: int = 0) -> bytes:
    return _varint(number << 3 | wire_type | above << 32)


def initializer(*, above: int = 0) -> bytes:
    content: bytes = external().SerializeToString()
    return tag(5, above=above) + _varint(len(content)) + content


SPELLINGS = {
    "a tag with bits above 32": (initializer(above=7), "which is none that ONNX knows"),
    "a field that ONNX does not have": (tag(99, 0) + b"\1", "a GraphProto has the field 99"),
    "a singular field twice": (tag(10) + b"\1a" + tag(10) + b"\1b", "the field 10 of a GraphProto comes twice"),
    "a number longer than it need be": (tag(10) + b"\x81\0a", "longer than it need be"),
    "a tag longer than it need be": (b"\xd2\0" + b"\1a", "longer than it need be"),
    "a group": (tag(10, 3) + tag(10, 4), "has the wire type 3"),
    "another wire type": (tag(10, 0) + b"\1", "has the wire type 0"),
    "no UTF-8": (tag(10) + b"\1\xff", "no UTF-8"),
    "a number of eleven bytes": (tag(10) + b"\xff" * 10 + b"\1", "longer than ten bytes"),
    "the field 0": (b"\2\0", "has the field 0"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_of_a_message_is_refused(spelling: str) -> None:
    more, expected = SPELLINGS[spelling]
    body = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "", [], []).SerializeToString() + more
    with pytest.raises(BundleError, match=expected):
        read_strictly(b"\x08\x08\x3a" + _varint(len(body)) + body, "m.onnx")


def test_many_fields_cost_seconds_at_most() -> None:
    body = b"\x0a\0" * 1_100_000
    with pytest.raises(BundleError, match="more than 1,000,000 fields"):
        read_strictly(b"\x3a" + _varint(len(body)) + body, "m.onnx")


def test_what_is_accepted_of_damaged_files_the_onnx_package_reads_alike() -> None:
    from tests.support.onnx_fuzz import fuzz  # it needs onnx

    seen = fuzz(1_500, seed=0)
    assert seen.accepted > 50
    assert not seen.disagreements
    assert not seen.opened


def test_a_tensor_that_only_says_so(bundle_path: Path) -> None:
    model = onnx.load_model_from_string((bundle_path / "model.onnx").read_bytes())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(BundleError, match=f"the tensor '{tensor.name}' takes its data from outside"):
        read_strictly(model.SerializeToString(), "m.onnx")


def test_a_tensor_may_be_called_location() -> None:
    value = onnx.numpy_helper.from_array(np.ones(2, np.float32), "location")
    nodes = [helper.make_node("Constant", [], ["location"], value=value, name="location")]
    read_strictly(helper.make_model(graph(nodes, initializer=[value])).SerializeToString(), "m.onnx")


@pytest.mark.parametrize("content", [b"\xff", b"\x3a\x05\x08", b"\x3b\x3c", b"PK\3\4", b"\0\0\0\0ORTM"])
def test_bytes_that_are_no_model(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^m\.onnx is not an ONNX model \(.+\); .*export it again$"):
        read_strictly(content, "m.onnx")


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
    with pytest.raises(BundleError, match="its messages are nested more than 100 deep"):
        read_strictly(b"\x3a" + _varint(len(message)) + message, "m.onnx")
