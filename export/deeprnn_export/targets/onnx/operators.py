"""Convert TensorFlow's operators that tf2onnx 1.17 lacks, or writes in a form that a file should not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from deeprnn_export.targets.onnx.tf2onnx_internals import (
    Handler,
    add_constant,
    add_node,
    convert_floor_div,
    convert_select,
    dtype_of,
    number_attribute,
    rank_of,
    take_out,
)


def _erfc(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Write ``1 - erf(x)``: in Keras's exact gelu."""
    (x,), kept = node.input, take_out(graph, node)
    add_node(graph, "Sub", [_one(graph, name), *add_node(graph, "Erf", [x])], name=name, **kept)


def _expm1(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Write ``exp(x) - 1``: in elu, selu and celu, which add it to values of order 1."""
    (x,), kept = node.input, take_out(graph, node)
    add_node(graph, "Sub", [*add_node(graph, "Exp", [x]), _one(graph, name)], name=name, **kept)


def _floor_div(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Write ``(x - mod(x, y)) / y`` of integers, whose Div rounds to zero; tf2onnx's own form of floats."""
    if dtype_of(graph, node.input[0]) in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
        convert_floor_div(graph, node)
        return
    (x, y), kept = list(node.input), take_out(graph, node)
    whole = add_node(graph, "Sub", [x, *add_node(graph, "Mod", [x, y])])
    add_node(graph, "Div", [*whole, y], name=name, **kept)


def _select(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Write ``where(condition, x, y)`` as a Where: tf2onnx adds products with 0 and 1; 0 times infinity is NaN."""
    if dtype_of(graph, node.output[0]) != TensorProto.FLOAT:
        convert_select(graph, node)  # ONNX Runtime's Where knows few of the other types
        return
    inputs, kept = list(node.input), take_out(graph, node)
    add_node(graph, "Where", inputs, name=name, **kept)


def _one_hot(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Compare each index with 0 to ``depth - 1``: ONNX's OneHot counts negative ones from the end (onnx/onnx#4154).

    TensorFlow gives a row of the value for off, as for padding of -1. ONNX's knows floats alone, too.
    """
    (indices, depth, on, off), axis, kept = list(node.input), number_attribute(node, "axis"), take_out(graph, node)
    (indices,) = add_node(graph, "Cast", [indices], attr={"to": TensorProto.INT64})
    (limit,) = add_node(graph, "Cast", [depth], attr={"to": TensorProto.INT64})
    first, step = (add_constant(graph, f"{name}/{one}", np.array(one, np.int64)) for one in (0, 1))
    (classes,) = add_node(graph, "Range", [first, limit, step])
    if axis >= 0:
        behind = np.arange(1, rank_of(graph, indices) - axis + 1)
        axes = add_constant(graph, f"{name}/behind", behind)
        (classes,) = add_node(graph, "Unsqueeze", [classes, axes]) if behind.size else (classes,)
    place = add_constant(graph, f"{name}/axis", np.array([axis], np.int64))
    (apart,) = add_node(graph, "Unsqueeze", [indices, place])
    if kept["dtypes"] == [TensorProto.BOOL]:  # ONNX Runtime's Where knows none of bool; on is True and off False
        add_node(graph, "Equal", [apart, classes], name=name, **kept)
        return
    (is_class,) = add_node(graph, "Equal", [apart, classes])
    add_node(graph, "Where", [is_class, on, off], name=name, **kept)


def _one(graph: Any, name: str) -> str:
    return add_constant(graph, f"{name}/one", np.array(1.0, np.float32))


HANDLERS: dict[str, Handler] = {
    "Erfc": _erfc,
    "Expm1": _expm1,
    "FloorDiv": _floor_div,
    "OneHot": _one_hot,
    "SelectV2": _select,
}
