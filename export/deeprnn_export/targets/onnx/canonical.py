"""Give one model one form: nodes in one order, names that do not depend on the process that made them.

tf2onnx numbers its names through a process's life and iterates over sets, so the same model gives other
bytes each time. Here nodes follow a depth-first walk from the outputs, and each is named after its
operator and its place; weights keep their layers' names. So in the bodies of loops, behind the loop's name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import onnx

from deeprnn_export.targets.onnx.tf2onnx_internals import NUMBERED

# Below this an initializer is a shape, an axis or a bound, of which tf2onnx keeps any of several equal ones.
_SMALL = 16
# How the lowering names the weights of a recurrence, however few they are.
_RECURRENT = ("/W", "/R", "/B")
# How TensorFlow names the value of a variable in a frozen graph.
_VARIABLE = "ReadVariableOp"


def canonicalise(graph: onnx.GraphProto, weights: Mapping[bytes, str]) -> None:
    """Reorder and rename a graph in place; inputs and outputs keep their names.

    Args:
        weights: the content of a variable to its path in the model, which its initializer gets as its name.
    """
    _sort(graph)
    _canonicalise(graph, "", {value.name: value.name for value in (*graph.input, *graph.output)}, weights)


def _canonicalise(graph: onnx.GraphProto, prefix: str, names: dict[str, str], weights: Mapping[bytes, str]) -> None:
    """Rename in one graph and in those of its nodes.

    Args:
        names: old name to new one, of what comes from outside.
    """
    fixed = set(names) if not prefix else set()
    for index, value in enumerate(graph.input):
        names[value.name] = names[value.name] if value.name in fixed else f"{prefix}input_{index}"
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    used: list[onnx.TensorProto] = []
    seen: set[str] = set()

    def meet(name: str) -> None:
        """Name an initializer where it is first read."""
        if name in initializers and name not in seen:
            seen.add(name)
            tensor = initializers[name]
            is_small = math.prod(tensor.dims) < _SMALL and not name.endswith(_RECURRENT)
            new = f"{prefix}constant_{len(used)}" if is_small or NUMBERED.search(name) else name
            if _VARIABLE in name:  # two variables of one content, zeros say, get the first one's name once
                path = weights.get(onnx.numpy_helper.to_array(tensor).tobytes())
                new = path if path is not None and path not in names.values() else new
            names[name] = names[name] if name in fixed else new
            used.append(tensor)

    for place, node in enumerate(graph.node):
        node.name = f"{prefix}{node.op_type}_{place}"
        for name in _reads(node):
            meet(name)
        for index, name in enumerate(node.output):
            if name and name not in fixed:
                names[name] = node.name if index == 0 else f"{node.name}:{index}"
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _canonicalise(attribute.g, f"{node.name}/", dict(names), weights)
                attribute.g.name, attribute.g.doc_string = f"{node.name}/{attribute.name}", ""
    for value in graph.output:
        meet(value.name)
    for tensor in used:
        tensor.name = names[tensor.name]
    used = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in used]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(used)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)


def _sort(graph: onnx.GraphProto) -> None:
    """Put the nodes in order, first those of the inner graphs: what these read has a part in the order outside."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _settle_outputs(attribute.g)
                _sort(attribute.g)
    nodes = _ordered(graph)
    del graph.node[:]
    graph.node.extend(nodes)


def _settle_outputs(graph: onnx.GraphProto) -> None:
    """Make the first of an inner graph's outputs that are one value that value, and the others copies of it.

    tf2onnx chooses by the order of a set. Axes of an unknown size lose the number that it gave them.
    """
    makers = {name: node for node in graph.node for name in node.output}
    taken: set[str] = set()
    for index, value in enumerate(graph.output):
        name = value.name
        while name in makers and makers[name].op_type == "Identity":
            name = makers[name].input[0]
        if name in makers and name not in taken:
            value.name = name
            taken.add(name)
        elif name in makers:
            value.name = f"{name}/copy_{index}"
            graph.node.append(onnx.helper.make_node("Identity", [name], [value.name]))
    for value in (*graph.input, *graph.output):
        for axis in value.type.tensor_type.shape.dim:
            if NUMBERED.search(axis.dim_param):
                axis.ClearField("dim_param")


def _ordered(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Copy the nodes, each behind those that it reads, in the order of a walk from the outputs."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[onnx.NodeProto] = []
    done: set[int] = set()
    pending = [makers[value.name] for value in reversed(graph.output) if value.name in makers]
    while pending:
        node = pending[-1]
        waiting = [makers[name] for name in _reads(node) if name in makers and id(makers[name]) not in done]
        if id(node) in done or not waiting:
            pending.pop()
            if id(node) not in done:
                done.add(id(node))
                ordered.append(node)
        else:
            pending += reversed(waiting)
    return [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """List the values that a node reads, those that its subgraphs take from outside too."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _reads(inner)
            yield from (value.name for value in attribute.g.output)
