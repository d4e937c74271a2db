"""Read a traced graph, from its outputs back, as the operations of a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.program.form import Combine, Constant, Input, Operation, Program, Shape, Tensor, ToFloat
from deeprnn_export.lowering.program.markers import OPERATION, Marker
from deeprnn_export.tracing.refusals import layer_along

VIEWS = ("Identity", "EnsureShape", "StopGradient", "PreventGradient", "Reshape", "Squeeze", "ExpandDims")


class Reader:
    """Hold what was read so far; each tensor of the graph is read once."""

    def __init__(
        self,
        model: keras.Model,
        frozen: Any,
        markers: Sequence[Marker],
        inputs: Sequence[TensorSpec],
        *,
        target: str,
        readers: Mapping[str, Callable[[Reader, Any], Tensor]],
        read_marker: Callable[[Reader, Any], list[Tensor]],
    ) -> None:
        self.model = model
        self.markers = markers
        self.target = target
        self.operations: list[Operation] = []
        self._frozen = frozen
        self._readers, self._read_marker = readers, read_marker
        self._specs = list(inputs)
        self._inputs = {tensor.name: number for number, tensor in enumerate(frozen.inputs)}
        self._known: dict[str, Tensor] = {}
        self._varying: dict[str, bool] = {}
        self._raw: dict[int, Tensor] = {}
        self._buffers = 0

    def program(self) -> Program:
        """Read every output, and every input, also one that nothing reads."""
        for node in self._frozen.inputs:
            self._input(node)
        outputs = tuple(self.tensor(node) for node in self._frozen.outputs)
        return Program(tuple(self.operations), outputs)

    def tensor(self, node: Any) -> Tensor:
        """Return a tensor of floats; those of truth are 0 or 1."""
        if node.name not in self._known:
            self._known[node.name] = self._read(node)
        return self._known[node.name]

    def ids(self, node: Any, layer: str) -> Tensor:
        """Return an input's integers, perhaps in another shape."""
        shape = self.shape(node)
        while node.op.type in (*VIEWS, "Cast"):
            node = node.op.inputs[0]
        if node.name not in self._inputs:
            raise self.refusal(f"layer {layer!r} looks up ids that the model computes")
        return Tensor(self._input(node).buffer, shape)

    def new(self, shape: Shape) -> Tensor:
        """Name a buffer that nothing fills yet."""
        self._buffers += 1
        return Tensor(self._buffers - 1, shape)

    def add(self, operation: Operation) -> Tensor:
        """Append an operation; what it fills."""
        self.operations.append(operation)
        return operation.to

    def fill(self, node: Any, make: Callable[..., Operation], *arguments: Any) -> Tensor:
        """Append the operation that gives a node's output."""
        return self.add(make(self.layer(node), self.new(self.shape(node)), *arguments))

    def combine(self, node: Any, function: str, *operands: Tensor) -> Tensor:
        """Append an operation element by element."""
        return self.fill(node, Combine, function, operands)

    def constant(self, value: float) -> Tensor:
        """Append a number."""
        return self.add(Constant("", self.new((1,)), np.array([value], np.float32)))

    def layer(self, node: Any) -> str:
        """Return the layer that a node of the graph belongs to, for people."""
        return layer_along(self.model, node.op.name)

    def shape(self, node: Any) -> Shape:
        """Return a tensor's shape, in which the time axis stands outermost but for sizes of 1."""
        if node.shape.rank is None:
            raise self.refuse(node, "has an output whose axes are known at run time alone")
        shape = tuple(node.shape.as_list())
        first = shape.index(None) if None in shape else 0
        if any(size != 1 for size in shape[:first]):
            raise self.refuse(node, "has the time axis inside of another one")
        return shape

    def refuse(self, node: Any, why: str) -> UnsupportedModelError:
        """Make the refusal of a node."""
        return self.refusal(f"{self.layer(node)} {why}")

    def refusal(self, what: str) -> UnsupportedModelError:
        """Make a refusal."""
        return UnsupportedModelError(
            f"{what}, which {self.target} has no kernel for; express the layer with others, or export to another format"
        )

    def static(self, node: Any) -> Any:
        """Return the numbers of a tensor that the inputs do not change; None where they do."""
        value = tf.get_static_value(node)
        if value is None and not self._varies(node):
            value = self._frozen.prune([], node)().numpy()
        return value

    def _read(self, node: Any) -> Tensor:
        if node.name in self._inputs:
            raw = self._input(node)
            if node.dtype == tf.float32:
                return raw
            return self.add(ToFloat(self.layer(node), self.new(raw.shape), raw))
        if node.op.type == OPERATION:
            for tensor, output in zip(self._read_marker(self, node.op), node.op.outputs, strict=True):
                self._known[output.name] = tensor
            return self._known[node.name]
        if not self._varies(node):
            values = np.asarray(self.static(node), np.float32)
            return self.add(Constant(self.layer(node), self.new(values.shape), values))
        if node.op.type not in self._readers:
            raise self.refuse(node, f"computes with TensorFlow's {node.op.type}")
        return self._readers[node.op.type](self, node)

    def _input(self, node: Any) -> Tensor:
        number = self._inputs[node.name]
        if number not in self._raw:
            kind = "floats" if node.dtype == tf.float32 else "bytes" if node.dtype == tf.bool else "ids"
            name = self._specs[number].name
            self._raw[number] = self.add(Input(name, self.new(self.shape(node)), kind, number))  # type: ignore[arg-type]
        return self._raw[number]

    def _varies(self, node: Any) -> bool:
        """Return whether a tensor depends on an input, in other ways than by a shape that is known."""
        if node.name not in self._varying:
            markers = node.op.type == OPERATION or node.name in self._inputs
            self._varying[node.name] = markers or any(self._varies(one) for one in node.op.inputs)
        return self._varying[node.name]
