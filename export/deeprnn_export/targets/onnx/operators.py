"""TensorFlow operators that tf2onnx 1.17 lacks, or writes in a form that a file should not have, in ONNX's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto
from tf2onnx.onnx_opset.controlflow import Select

Handler = Callable[[Any, Any, str, Any], None]


def _erfc(context: Any, node: Any, name: str, _arguments: Any) -> None:
    """``1 - erf(x)``: in Keras's exact gelu."""
    x, output, kept = _take(context, node)
    erf = context.make_node("Erf", [x])
    context.make_node("Sub", [_one(context, name), erf.output[0]], outputs=[output], name=name, **kept)


def _expm1(context: Any, node: Any, name: str, _arguments: Any) -> None:
    """``exp(x) - 1``: in elu, selu and celu, which add it to values of order 1."""
    x, output, kept = _take(context, node)
    exp = context.make_node("Exp", [x])
    context.make_node("Sub", [exp.output[0], _one(context, name)], outputs=[output], name=name, **kept)


def _select(context: Any, node: Any, name: str, _arguments: Any) -> None:
    """``where(condition, x, y)`` as one Where: tf2onnx adds products with 0 and 1, where 0 times infinity is NaN."""
    if context.get_dtype(node.output[0]) != TensorProto.FLOAT:
        Select.version_9(context, node)  # ONNX Runtime's Where knows few of the other types
        return
    inputs = list(node.input)
    _, output, kept = _take(context, node)
    context.make_node("Where", inputs, outputs=[output], name=name, **kept)


def _take(context: Any, node: Any) -> tuple[str, str, dict[str, Any]]:
    """The first input and the output of a node that is taken out, and the shape and dtype that the output keeps."""
    x, (output,) = node.input[0], node.output
    kept = {"shapes": [context.get_shape(output)], "dtypes": [context.get_dtype(output)]}
    context.remove_node(node.name)
    return x, output, kept


def _one(context: Any, name: str) -> str:
    return str(context.make_const(f"{name}/one", np.array(1.0, np.float32)).output[0])


HANDLERS: dict[str, tuple[Handler, list[Any]]] = {"Erfc": (_erfc, []), "Expm1": (_expm1, []), "SelectV2": (_select, [])}
