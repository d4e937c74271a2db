"""Read the weights of an ONNX model, and write the model with some of them stored in fewer bits.

Standard operators alone read them back, so that any runtime takes the file. A table that is only looked up is
read back behind its Gather, a row at a time, and stays small in memory. Any other weight is read back whole;
a runtime that folds constants does that once, while it loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from deeprnn_export.targets.onnx.storage import BLOCK, Floats, StoredWeight


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Weight:
    """Hold a float32 constant of two axes or more and several rows: a matrix or a table, not a bias.

    Attributes:
        is_table: whether nothing but a Gather of whole rows reads it.
    """

    name: str
    values: Floats
    is_table: bool


def read_weights(proto: onnx.ModelProto) -> list[Weight]:
    """List the weights of a model's main graph, in its order."""
    graph = proto.graph
    tables = _looked_up(graph)
    return [
        Weight(tensor.name, numpy_helper.to_array(tensor), tensor.name in tables)
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1 and tensor.dims[-2] > 1
    ]


def with_values(proto: onnx.ModelProto, values: Mapping[str, Floats]) -> bytes:
    """Write the model's file with other numbers in some of its weights."""
    changed = onnx.ModelProto.FromString(proto.SerializeToString())
    for tensor in changed.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
    content: bytes = changed.SerializeToString(deterministic=True)
    return content


def with_stored(proto: onnx.ModelProto, stored: Mapping[str, StoredWeight]) -> onnx.ModelProto:
    """Copy the model with these weights stored as they say."""
    changed: onnx.ModelProto = onnx.ModelProto.FromString(proto.SerializeToString())
    graph = changed.graph
    tables = _looked_up(graph)
    kept = [tensor for tensor in graph.initializer if tensor.name not in stored]
    first: list[onnx.NodeProto] = []
    readers: dict[str, _Reader] = {}
    for name, weight in stored.items():
        reader = _Reader(name, weight)
        kept += reader.constants
        if name in tables:
            readers[name] = reader
        else:
            first += reader.read_whole()
    nodes = list(first)
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in readers:
            nodes += readers[node.input[0]].read_rows(node)
        else:
            nodes.append(node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    onnx.checker.check_model(changed, full_check=True)
    return changed


class _Reader:
    """Make the constants of one stored weight, and the nodes that read it back."""

    def __init__(self, name: str, weight: StoredWeight) -> None:
        self._name, self._storage = name, weight.storage
        self._width = weight.values.shape[-1]
        self._numbers = count()
        self.constants = [numpy_helper.from_array(weight.data, self._part(weight.storage))]
        if weight.scale is not None:
            self.constants.append(numpy_helper.from_array(weight.scale, self._part("scale")))
        self._scale_is_float32 = weight.scale is not None and weight.scale.dtype == np.float32
        self._has_blocks = weight.storage == "int4" and self._width > BLOCK
        if weight.storage == "int4":
            self._constant("sixteen", np.uint8(16))
            self._constant("four", np.uint8(4))
            self._constant("zero", np.float32(8))  # where 0 is, of the numbers 0 to 15
            if self._has_blocks:
                self._constant("blocks", np.arange(self._width) // BLOCK)
            if self._width % 2:
                for part, value in (("start", 0), ("end", self._width), ("axis", -1)):
                    self._constant(part, np.array([value], np.int64))

    def read_whole(self) -> Iterator[onnx.NodeProto]:
        """Make the nodes that read the weight back whole, under its own name."""
        yield from self._read(self._part(self._storage), self._part("scale"), self._name)

    def read_rows(self, gather: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Make the nodes that stand for one Gather of rows of the weight."""
        ids, output = gather.input[1], gather.output[0]
        rows, scale = f"{gather.name}/rows", f"{gather.name}/scale"
        yield self._node("Gather", [self._part(self._storage), ids], rows)
        if self._storage != "fp16":
            yield self._node("Gather", [self._part("scale"), ids], scale)
        yield from self._read(rows, scale, output, prefix=gather.name)

    def _read(self, data: str, scale: str, output: str, *, prefix: str | None = None) -> Iterator[onnx.NodeProto]:
        prefix = prefix or self._name
        if self._storage == "fp16":
            yield self._node("Cast", [data], output, to=TensorProto.FLOAT)
            return
        if self._storage == "int4":
            low, high, both = (f"{prefix}/{part}" for part in ("low", "high", "both"))
            yield self._node("Mod", [data, self._part("sixteen")], low)
            yield self._node("BitShift", [data, self._part("four")], high, direction="RIGHT")
            yield self._node("Concat", [low, high], both, axis=-1)
            data = both
            if self._width % 2:
                bounds = [self._part(part) for part in ("start", "end", "axis")]
                yield self._node("Slice", [data, *bounds], f"{prefix}/columns")
                data = f"{prefix}/columns"
        numbers = f"{prefix}/numbers"
        yield self._node("Cast", [data], numbers, to=TensorProto.FLOAT)
        if self._storage == "int4":
            yield self._node("Sub", [numbers, self._part("zero")], f"{prefix}/signed")
            numbers = f"{prefix}/signed"
        if not self._scale_is_float32:
            yield self._node("Cast", [scale], f"{prefix}/wide_scale", to=TensorProto.FLOAT)
            scale = f"{prefix}/wide_scale"
        if self._has_blocks:
            yield self._node("Gather", [scale, self._part("blocks")], f"{prefix}/scales", axis=-1)
            scale = f"{prefix}/scales"
        yield self._node("Mul", [numbers, scale], output)

    def _part(self, part: str) -> str:
        return f"{self._name}/{part}"

    def _constant(self, part: str, value: NDArray[np.generic] | np.generic) -> None:
        self.constants.append(numpy_helper.from_array(np.asarray(value), self._part(part)))

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(
            operator, inputs, [output], f"{self._name}/{operator}_{next(self._numbers)}", **attributes
        )


def _looked_up(graph: onnx.GraphProto) -> set[str]:
    """Name what nothing reads but the Gathers of rows in the main graph."""
    rows = {node.input[0] for node in graph.node if node.op_type == "Gather" and _axis(node) == 0}
    otherwise = {output.name for output in graph.output}
    for node in graph.node:
        gathers = node.op_type == "Gather" and _axis(node) == 0
        otherwise.update(node.input[1:] if gathers else node.input)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                otherwise.update(_read_inside(attribute.g))
    return rows - otherwise


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _read_inside(graph: onnx.GraphProto) -> Iterator[str]:
    yield from (output.name for output in graph.output)
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _read_inside(attribute.g)
