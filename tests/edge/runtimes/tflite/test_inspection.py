"""The TFLite reader against LiteRT's own object tree, and against bytes that are no model."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.errors import BundleError, MissingExtraError
from deeprnn_edge.runtimes.tflite import inspection as tflite_file
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite

pytest.importorskip("ai_edge_litert", reason="a .tflite file is read with LiteRT's schema")

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


@pytest.fixture
def model_bytes(bundle_path: Path) -> bytes:
    return (bundle_path / "model.tflite").read_bytes()


def names(enum: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


def test_it_reads_what_litert_reads(model_bytes: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(model_bytes, 0)
    builtin = names(schema.BuiltinOperator)
    expected = Counter(
        builtin[model.operatorCodes[operator.opcodeIndex].builtinCode]
        for graph in model.subgraphs
        for operator in graph.operators
    )
    found = inspect_tflite(model_bytes, "model.tflite", precision="fp32")
    assert found.operators == expected
    assert found.loops == {name: count for name, count in expected.items() if name in ("WHILE", "IF")}
    assert found.recurrent == {name: count for name, count in expected.items() if "SEQUENCE" in name}
    assert not found.foreign
    assert (found.format, found.precision, found.size_bytes) == ("tflite", "fp32", len(model_bytes))

    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    stored = [0 if model.buffers[index].data is None else len(model.buffers[index].data) for index in used]
    assert sum(tensor.size_bytes for tensor in found.tensors) == sum(stored)
    sizes = [tensor.size_bytes for tensor in found.tensors]
    assert sizes == sorted(sizes, reverse=True)
    for tensor in found.tensors:
        if tensor.dtype == "float32":
            assert tensor.size_bytes == 4 * tensor.parameters

    signature = model.signatureDefs[0]
    assert [spec.name for spec in found.inputs] == [entry.name.decode() for entry in signature.inputs]
    assert [spec.name for spec in found.outputs] == [entry.name.decode() for entry in signature.outputs]
    graph = model.subgraphs[signature.subgraphIndex]
    for spec, entry in zip(found.inputs, signature.inputs, strict=True):
        assert spec.shape == tuple(graph.tensors[entry.tensorIndex].shape)


def packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(64)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def make_tensor(name: str, buffer: int = 0, shape: tuple[int, ...] = (1, 2), free: tuple[int, ...] = ()) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
    tensor.shapeSignature = list(free) or None
    return tensor


def make_model(*, custom: str) -> Any:
    """Two subgraphs that share a buffer; WHILE, ADD and a custom operator in each; no signature."""
    model = schema.ModelT()
    model.version = 3
    codes = [schema.OperatorCodeT() for _ in range(3)]
    codes[0].builtinCode = codes[0].deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    codes[1].builtinCode = codes[1].deprecatedBuiltinCode = schema.BuiltinOperator.WHILE
    codes[2].builtinCode = codes[2].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    codes[2].customCode = custom
    model.operatorCodes = codes
    full = schema.BufferT()
    full.data = [0] * 8
    model.buffers = [schema.BufferT(), full]
    model.subgraphs = []
    for number in range(2):
        graph = schema.SubGraphT()
        graph.tensors = [make_tensor("x", free=(-1, 2)), make_tensor("y"), make_tensor(f"weight_{number}", buffer=1)]
        graph.inputs, graph.outputs = [0], [1]
        graph.operators = []
        for code in range(3):
            operator = schema.OperatorT()
            operator.opcodeIndex, operator.inputs, operator.outputs = code, [0, 0], [1]
            graph.operators.append(operator)
        model.subgraphs.append(graph)
    return model


def test_custom_operators_are_foreign_and_shared_buffers_count_once() -> None:
    found = inspect_tflite(packed(make_model(custom="FlexTensorListReserve")), "m")
    assert found.operators == {"ADD": 2, "FlexTensorListReserve": 2, "WHILE": 2}
    assert found.foreign == {"FlexTensorListReserve": 2}
    assert found.loops == {"WHILE": 2}
    assert [(tensor.name, tensor.size_bytes) for tensor in found.tensors] == [("weight_0", 8)]


def test_a_file_without_a_signature_has_its_tensors_names() -> None:
    found = inspect_tflite(packed(make_model(custom="Mine")), "m")
    assert [(spec.name, spec.shape) for spec in found.inputs] == [("x", ("?", 2))]
    assert [(spec.name, spec.shape) for spec in found.outputs] == [("y", (1, 2))]


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"hello, world", b"\xff" * 100, b"\0\0\0\0TFL3", b"\xff" * 4 + b"TFL3"]
)
def test_other_bytes_are_named_as_no_tflite_model(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^some\.tflite is not a TFLite model \(.+\); .*export it again$"):
        inspect_tflite(content, "some.tflite")


def test_a_damaged_file_is_read_or_refused(model_bytes: bytes) -> None:
    chance = random.Random(0)
    outcomes: Counter[str] = Counter()
    for number in range(200):
        damaged = bytearray(model_bytes)
        if number % 2:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            for _ in range(chance.choice([1, 8, 64])):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        try:
            inspect_tflite(bytes(damaged), "m")
            outcomes["read"] += 1
        except BundleError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 20


def test_more_tables_than_bytes_are_refused() -> None:
    model = packed(make_model(custom="Mine"))
    with pytest.raises(ValueError, match="more tables than bytes"):
        tflite_file._check_counts(schema.Model.GetRootAs(model, 0), 40)


def test_without_litert_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, model_bytes: bytes) -> None:
    def absent() -> None:
        raise MissingExtraError("install it with: pip install 'deeprnn-edge[tflite]'")

    monkeypatch.setattr(tflite_file, "load_schema", absent)
    with pytest.raises(MissingExtraError, match=r"deeprnn-edge\[tflite\]"):
        inspect_tflite(model_bytes, "model.tflite")
