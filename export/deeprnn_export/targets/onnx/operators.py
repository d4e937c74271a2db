"""Convert TensorFlow's operators that tf2onnx 1.17 lacks, or writes in a form that a file should not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from deeprnn_export.targets.onnx.tf2onnx_internals import (
    Handler,
    add_constant,
    add_node,
    convert_select,
    dtype_of,
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


def _select(graph: Any, node: Any, name: str, _arguments: Any) -> None:
    """Write ``where(condition, x, y)`` as a Where: tf2onnx adds products with 0 and 1; 0 times infinity is NaN."""
    if dtype_of(graph, node.output[0]) != TensorProto.FLOAT:
        convert_select(graph, node)  # ONNX Runtime's Where knows few of the other types
        return
    inputs, kept = list(node.input), take_out(graph, node)
    add_node(graph, "Where", inputs, name=name, **kept)


def _one(graph: Any, name: str) -> str:
    return add_constant(graph, f"{name}/one", np.array(1.0, np.float32))


HANDLERS: dict[str, Handler] = {"Erfc": _erfc, "Expm1": _expm1, "SelectV2": _select}
