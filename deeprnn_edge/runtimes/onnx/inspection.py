"""Read an ONNX file without the onnx package: operators, constants, inputs and outputs.

The numbers of fields and enums are those of onnx/onnx.proto,
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import protobuf as wire
from deeprnn_edge.runtimes.file_inspection import FileInspection, TensorBytes, summarize
from deeprnn_edge.runtimes.notes import read_notes
from deeprnn_edge.runtimes.onnx.operators import LOOPS, RECURRENT

# TensorProto.DataType
# fmt: off
_DTYPES = (
    "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
    "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
)
# fmt: on
# TensorProto: float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data
_PAYLOADS = frozenset({4, 5, 6, 7, 9, 10, 11})
_LARGEST_RANK = 64  # numpy's, and beyond what any runtime takes
_STANDARD_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


@dataclass
class _Contents:
    """Gather what the graphs of a file hold."""

    operators: Counter[str] = field(default_factory=Counter)
    foreign: set[str] = field(default_factory=set)
    tensors: list[TensorBytes] = field(default_factory=list)
    properties: list[tuple[str, str]] = field(default_factory=list)


def inspect_onnx(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    """Read what an ONNX file holds.

    Bodies of Loop, Scan and If, and of functions, count once each. Constants are the initializers and
    the values of Constant nodes.

    Args:
        content: of the file.
        path: its name, for messages.
        precision: as the manifest says.

    Raises:
        BundleError: where the bytes are no ONNX model.
    """
    try:
        inputs, outputs, contents = _read_model(memoryview(content))
    except wire.WireError as error:
        raise BundleError(
            f"{path} is not an ONNX model ({error}); "
            "the file is truncated or of another format: copy or export it again"
        ) from error
    found = FileInspection(
        path,
        "onnx",
        precision,
        len(content),
        inputs,
        outputs,
        contents.operators,
        tensors=tuple(contents.tensors),
        notes=read_notes(contents.properties),
    )
    return summarize(found, recurrent=RECURRENT, loops=LOOPS, foreign=contents.foreign)


def _read_model(model: memoryview) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...], _Contents]:
    # ModelProto: ir_version = 1, graph = 7, functions = 25
    graph, functions = _message(model, 7), _messages(model, 25)
    if graph is None or _integer(model, 1) is None:
        raise wire.WireError("it has no graph")
    # FunctionProto: name = 1, node = 7, domain = 10. GraphProto: node = 1
    local = {_operator(_text(function, 10), _text(function, 1)) for function in functions}
    # ModelProto: metadata_props = 14. StringStringEntryProto: key = 1, value = 2
    contents = _Contents(properties=[(_text(entry, 1), _text(entry, 2)) for entry in _messages(model, 14)])
    # A list of what is left to read, not recursion: the nesting of a damaged file has no bound.
    pending = [(graph, 1)] + [(function, 7) for function in functions]
    while pending:
        body, node_field = pending.pop()
        pending += _read_body(body, node_field, local, contents)
    constants = {tensor.name for tensor in _initializers(graph)}
    # GraphProto: input = 11, output = 12. Before IR version 4 the initializers were inputs as well.
    inputs = (spec for spec in map(_spec, _messages(graph, 11)) if spec.name not in constants)
    return tuple(inputs), tuple(map(_spec, _messages(graph, 12))), contents


def _read_body(
    body: memoryview, node_field: int, local: set[str], contents: _Contents
) -> Iterator[tuple[memoryview, int]]:
    """Count the nodes of a graph or function into ``contents``, and yield the graphs within them."""
    if node_field == 1:
        contents.tensors += _initializers(body)
    for node in _messages(body, node_field):
        # NodeProto: output = 2, op_type = 4, attribute = 5, domain = 7
        texts, attributes = _read_node(node)
        domain, op_type = texts.get(7, ""), texts.get(4, "")
        name = _operator(domain, op_type)
        if name not in local:
            contents.operators[name] += 1
            if domain not in _STANDARD_DOMAINS:
                contents.foreign.add(name)
        for attribute in attributes:
            # AttributeProto: t = 5, g = 6, graphs = 11
            value = _message(attribute, 5)
            if value is not None and op_type == "Constant":
                contents.tensors.append(_tensor(value, name=texts.get(2, "")))
            for number in (6, 11):
                yield from ((graph, 1) for graph in _messages(attribute, number))


def _read_node(node: memoryview) -> tuple[dict[int, str], list[memoryview]]:
    """Return a node's last output, operator and domain by their fields' numbers, and its attributes, in one pass."""
    texts: dict[int, str] = {}
    attributes: list[memoryview] = []
    for number, kind, value in wire.fields(node):
        if kind == wire.BYTES and isinstance(value, memoryview):
            if number == 5:
                attributes.append(value)
            elif number in (2, 4, 7):
                texts[number] = bytes(value).decode("utf-8", errors="replace")
    return texts, attributes


def _initializers(graph: memoryview) -> list[TensorBytes]:
    # GraphProto: initializer = 5, sparse_initializer = 15. SparseTensorProto: values = 1, indices = 2
    tensors = [_tensor(message) for message in _messages(graph, 5)]
    for sparse in _messages(graph, 15):
        tensors += [_tensor(part) for number in (1, 2) for part in _messages(sparse, number)]
    return tensors


def _tensor(message: memoryview, *, name: str | None = None) -> TensorBytes:
    # TensorProto: dims = 1, data_type = 2, name = 8, external_data = 13
    dims: list[int] = []
    dtype, size_bytes = 0, 0
    for number, wire_type, value in wire.fields(message):
        if number == 1 and isinstance(value, int):
            dims.append(wire.signed(value))
        elif number == 1 and wire_type == wire.BYTES and isinstance(value, memoryview):
            dims += map(wire.signed, wire.varints(value))
        elif number == 2 and isinstance(value, int):
            dtype = value
        elif number in _PAYLOADS:
            # float_data and double_data may stand unpacked, one number a field
            size_bytes += len(value) if isinstance(value, memoryview) else 8
        elif number == 13 and isinstance(value, memoryview):
            # StringStringEntryProto: key = 1, value = 2
            size_bytes += _external_bytes(value)
    if len(dims) > _LARGEST_RANK or any(size < 0 for size in dims):
        raise wire.WireError("a tensor's shape is damaged")
    return TensorBytes(_text(message, 8) if name is None else name, _dtype(dtype), tuple(dims), size_bytes)


def _external_bytes(entry: memoryview) -> int:
    # StringStringEntryProto: key = 1, value = 2
    value = _text(entry, 2)
    return int(value) if _text(entry, 1) == "length" and value.isdecimal() and len(value) < 20 else 0


def _spec(value_info: memoryview) -> TensorSpec:
    # ValueInfoProto: name = 1, type = 2. TypeProto: tensor_type = 1. Tensor: elem_type = 1, shape = 2
    # TensorShapeProto: dim = 1. Dimension: dim_value = 1, dim_param = 2
    kind = _message(value_info, 2) or memoryview(b"")
    tensor = _message(kind, 1) or memoryview(b"")
    shape: list[int | str] = []
    for dimension in _messages(_message(tensor, 2) or memoryview(b""), 1):
        size = _integer(dimension, 1)
        shape.append(_text(dimension, 2) or "?" if size is None else wire.signed(size))
    return TensorSpec(_text(value_info, 1), _dtype(_integer(tensor, 1) or 0), tuple(shape))


def _messages(message: memoryview, number: int) -> list[memoryview]:
    return [
        value
        for found, kind, value in wire.fields(message)
        if found == number and kind == wire.BYTES and isinstance(value, memoryview)
    ]


def _message(message: memoryview, number: int) -> memoryview | None:
    found = _messages(message, number)
    return found[-1] if found else None


def _text(message: memoryview, number: int) -> str:
    found = _message(message, number)
    return "" if found is None else bytes(found).decode("utf-8", errors="replace")


def _integer(message: memoryview, number: int) -> int | None:
    found = [value for field, _, value in wire.fields(message) if field == number and isinstance(value, int)]
    return found[-1] if found else None


def _operator(domain: str, op_type: str) -> str:
    return op_type if domain in ("", "ai.onnx") else f"{domain}.{op_type}"


def _dtype(number: int) -> str:
    return _DTYPES[number] if number < len(_DTYPES) else f"type {number}"
