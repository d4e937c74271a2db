"""Use the unstable parts of tf2onnx: one function each, which says what it mirrors.

Read in tf2onnx 1.17. Nothing else in the workshop touches them.
"""

from __future__ import annotations

import inspect
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from deeprnn_export.tracing.library_internals import internal

_internal = partial(internal, "tf2onnx")
# Takes tf2onnx's graph, one of its nodes, the node's name, and arguments that are not used here.
Handler = Callable[[Any, Any, str, Any], None]
# The end of the names that ``utils.make_name`` numbers through a process's life.
NUMBERED = re.compile(r"__\d+(:\d+)?$")
_loggers_lock = threading.Lock()


def convert_graph(
    graph_def: Any,
    name: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    opset: int,
    handlers: Mapping[str, Handler],
    names: Mapping[str, str],
) -> onnx.ModelProto:
    """Convert a frozen graph: ``convert.from_graph_def`` with ``custom_op_handlers`` and ``tensors_to_rename``.

    Args:
        handlers: by operator, in place of tf2onnx's own.
        names: of inputs and outputs in the graph to those in the file.
    """
    convert = _internal("tf2onnx.convert", "from_graph_def")
    for option in ("custom_op_handlers", "tensors_to_rename"):
        if option not in inspect.signature(convert).parameters:
            _internal(convert, option)
    with _quiet():
        proto: onnx.ModelProto = convert(
            graph_def,
            name=name,
            input_names=inputs,
            output_names=outputs,
            opset=opset,
            custom_op_handlers={operator: (handler, []) for operator, handler in handlers.items()},
            tensors_to_rename=names,
        )[0]
    return proto


def add_node(graph: Any, operator: str, inputs: Sequence[str], **options: Any) -> list[str]:
    """Add a node, and return the names of its outputs: ``Graph.make_node``."""
    return list(_internal(graph, "make_node")(operator, inputs, **options).output)


def add_constant(graph: Any, name: str, value: NDArray[Any]) -> str:
    """Add a constant where there is none of its name, and return its output: ``get_node_by_name``, ``make_const``."""
    known = _internal(graph, "get_node_by_name")(name)
    return str((_internal(graph, "make_const")(name, np.asarray(value)) if known is None else known).output[0])


def take_out(graph: Any, node: Any) -> dict[str, Any]:
    """Take a node out: ``Graph.remove_node``, ``get_shape``, ``get_dtype``.

    Returns:
        What another node needs to stand in its place, as options of ``add_node``.
    """
    outputs = list(node.output)
    shapes, dtypes = ([_internal(graph, f"get_{what}")(one) for one in outputs] for what in ("shape", "dtype"))
    _internal(graph, "remove_node")(node.name)
    return {"outputs": outputs, "shapes": shapes, "dtypes": dtypes}


def dtype_of(graph: Any, name: str) -> int:
    """Return ONNX's number of a value's dtype: ``Graph.get_dtype``."""
    return int(_internal(graph, "get_dtype")(name))


def rank_of(graph: Any, name: str) -> int:
    """Return how many axes a value has: ``Graph.get_rank``."""
    return int(_internal(graph, "get_rank")(name))


def number_attribute(node: Any, name: str) -> int:
    """Read a node's attribute of an integer: ``Node.get_attr_int``."""
    return int(_internal(node, "get_attr_int")(name))


def text_attribute(node: Any, name: str) -> str:
    """Read a node's attribute of text: ``Node.get_attr_str``."""
    return str(_internal(node, "get_attr_str")(name))


def convert_select(graph: Any, node: Any) -> None:
    """Convert a ``SelectV2`` as tf2onnx itself does: ``onnx_opset.controlflow.Select.version_9``."""
    _internal(_internal("tf2onnx.onnx_opset.controlflow", "Select"), "version_9")(graph, node)


def convert_floor_div(graph: Any, node: Any) -> None:
    """Convert a ``FloorDiv`` as tf2onnx itself does: ``onnx_opset.math.FloorDiv.version_6``."""
    _internal(_internal("tf2onnx.onnx_opset.math", "FloorDiv"), "version_6")(graph, node)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence two known warnings by the loggers' names.

    They are tf2onnx's on each marker's unknown shape, which the trace carries around it, and TensorFlow's on the
    freezing functions of its first version, which tf2onnx 1.17 still calls.
    """
    names = ("tensorflow", "tf2onnx", "tf2onnx.tfonnx", "tf2onnx.shape_inference")
    loggers = [logging.getLogger(name) for name in names]
    with _loggers_lock:  # levels belong to the process; another thread would restore the silence
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
