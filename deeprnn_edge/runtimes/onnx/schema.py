"""List the fields of every ONNX message: what a strict reader may meet.

The numbers are those of onnx/onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); a test holds the
table against the ``onnx`` package's own descriptors.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """Hold what one field may look like.

    Attributes:
        kind: ``int64``, ``uint64``, ``int32``, ``float``, ``double``, ``text`` (UTF-8), ``bytes``, the name of an
            enumeration, or that of the message that it holds.
        repeated: whether it may come more than once.
        packed: whether its numbers stand side by side in one field.
    """

    kind: str
    repeated: bool = False
    packed: bool = False


def _fields(**groups: str) -> dict[int, Field]:
    """Read ``kind="1 2* 5+"``: the numbers of a kind's fields, a star for repeated ones, a plus for packed ones."""
    found: dict[int, Field] = {}
    for kind, numbers in groups.items():
        for number in numbers.split():
            found[int(number.rstrip("*+"))] = Field(kind, number[-1] in "*+", number.endswith("+"))
    return found


MESSAGES: dict[str, dict[int, Field]] = {
    "ModelProto": _fields(
        int64="1 5", text="2 3 4 6", GraphProto="7", OperatorSetIdProto="8*", StringStringEntryProto="14*",
        TrainingInfoProto="20*", FunctionProto="25*", DeviceConfigurationProto="26*",
    ),
    "OperatorSetIdProto": _fields(text="1", int64="2"),
    "GraphProto": _fields(
        NodeProto="1*", text="2 10", TensorProto="5*", ValueInfoProto="11* 12* 13*", TensorAnnotation="14*",
        SparseTensorProto="15*", StringStringEntryProto="16*",
    ),
    "NodeProto": _fields(
        text="1* 2* 3 4 6 7 8", AttributeProto="5*", StringStringEntryProto="9*", NodeDeviceConfigurationProto="10*",
    ),
    "AttributeProto": _fields(
        text="1 13 21", float="2 7*", int64="3 8*", bytes="4 9*", TensorProto="5 10*", GraphProto="6 11*",
        TypeProto="14 15*", AttributeType="20", SparseTensorProto="22 23*",
    ),
    "TensorProto": _fields(
        int64="1* 7+", int32="2 5+", Segment="3", float="4+", bytes="6* 9", text="8 12", double="10+", uint64="11+",
        StringStringEntryProto="13* 16*", DataLocation="14",
    ),
    "Segment": _fields(int64="1 2"),
    "StringStringEntryProto": _fields(text="1 2"),
    "SparseTensorProto": _fields(TensorProto="1 2", int64="3*"),
    "TypeProto": _fields(
        Tensor="1", Sequence="4", Map="5", text="6", Opaque="7", SparseTensor="8", Optional="9",
    ),
    "Tensor": _fields(int32="1", TensorShapeProto="2"),
    "TensorShapeProto": _fields(Dimension="1*"),
    "Dimension": _fields(int64="1", text="2 3"),
    "Sequence": _fields(TypeProto="1"),
    "Map": _fields(int32="1", TypeProto="2"),
    "Optional": _fields(TypeProto="1"),
    "SparseTensor": _fields(int32="1", TensorShapeProto="2"),
    "Opaque": _fields(text="1 2"),
    "ValueInfoProto": _fields(text="1 3", TypeProto="2", StringStringEntryProto="4*"),
    "TensorAnnotation": _fields(text="1", StringStringEntryProto="2*"),
    "TrainingInfoProto": _fields(GraphProto="1 2", StringStringEntryProto="3* 4*"),
    "FunctionProto": _fields(
        text="1 4* 5* 6* 8 10 13", NodeProto="7*", OperatorSetIdProto="9*", AttributeProto="11*", ValueInfoProto="12*",
        StringStringEntryProto="14*",
    ),
    "DeviceConfigurationProto": _fields(text="1 3*", int32="2"),
    "NodeDeviceConfigurationProto": _fields(text="1", ShardingSpecProto="2*", int32="3"),
    "ShardingSpecProto": _fields(text="1", int64="2*", IntIntListEntryProto="3*", ShardedDimProto="4*"),
    "IntIntListEntryProto": _fields(int64="1 2*"),
    "ShardedDimProto": _fields(int64="1", SimpleShardedDimProto="2*"),
    "SimpleShardedDimProto": _fields(int64="1 3", text="2"),
}  # fmt: skip
# What protobuf's readers take for an unknown field where it is another number.
ENUMERATIONS = {"AttributeType": frozenset(range(15)), "DataLocation": frozenset({0, 1})}
# Of each of these at most one may be there: the members of a oneof, of which another parser keeps the last.
ONE_OF = {
    "TypeProto": frozenset({1, 4, 5, 7, 8, 9}),
    "Dimension": frozenset({1, 2}),
    "SimpleShardedDimProto": frozenset({1, 2}),
}
