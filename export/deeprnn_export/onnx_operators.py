"""TensorFlow operators that tf2onnx 1.17 lacks, in ONNX's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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


def _take(context: Any, node: Any) -> tuple[str, str, dict[str, Any]]:
    """The input and output of a node that is taken out, and the shape and dtype that the output keeps."""
    (x,), (output,) = node.input, node.output
    kept = {"shapes": [context.get_shape(output)], "dtypes": [context.get_dtype(output)]}
    context.remove_node(node.name)
    return x, output, kept


def _one(context: Any, name: str) -> str:
    return str(context.make_const(f"{name}/one", np.array(1.0, np.float32)).output[0])


HANDLERS: dict[str, tuple[Handler, list[Any]]] = {"Erfc": (_erfc, []), "Expm1": (_expm1, [])}
