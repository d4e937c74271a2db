"""Make a traced graph compute in float64: the same operations on the same weights, with 29 more bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_export.tracing.tensorflow_internals import freeze

_FLOAT, _DOUBLE = tf.float32.as_datatype_enum, tf.float64.as_datatype_enum
_SUFFIX = "_in_float64"  # functions of one name have to be alike in one process


def in_float64(traced: Any) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]:
    """Return a function that computes what a traced one does, in float64 wherever that computes in float32.

    Args:
        traced: a concrete function; its variables become constants.

    Returns:
        A function of arrays in the order of the inputs, float32 ones in either precision, whose answers are float64
        where the traced function's are float32.

    Raises:
        Exception: TensorFlow's own, for an operator that it has for float32 alone.
    """
    frozen = freeze(traced)
    graph = frozen.graph.as_graph_def()
    for node in _nodes(graph):
        _widen_node(node)
    for function in graph.library.function:
        function.signature.name += _SUFFIX
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type == _FLOAT:
                argument.type = _DOUBLE
                argument.ClearField("experimental_full_type")
        for attributes in function.arg_attr.values():
            _widen(attributes.attr)
    names, answers = ([tensor.name for tensor in tensors] for tensors in (frozen.inputs, frozen.outputs))
    specs = [tf.TensorSpec(one.shape, tf.float64 if one.dtype == tf.float32 else one.dtype) for one in frozen.inputs]

    def imported(*inputs: Any) -> list[Any]:
        given = dict(zip(names, inputs, strict=True))
        made: list[Any] = tf.graph_util.import_graph_def(graph, input_map=given, return_elements=answers)
        return made

    function = tf.compat.v1.wrap_function(imported, specs)
    return lambda arrays: [
        np.asarray(one)
        for one in function(*(tf.constant(x.astype(spec.dtype.name)) for x, spec in zip(arrays, specs, strict=True)))
    ]


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _widen_node(node: Any) -> None:
    node.ClearField("experimental_type")  # it says again what the attributes say
    _widen(node.attr)


def _widen(attributes: Any) -> None:
    for value in attributes.values():
        kind = value.WhichOneof("value")
        if kind == "type" and value.type == _FLOAT:
            value.type = _DOUBLE
        elif kind == "tensor":
            _widen_tensor(value.tensor)
        elif kind == "func":
            value.func.name += _SUFFIX
            _widen(value.func.attr)
        elif kind == "list":
            value.list.type[:] = [_DOUBLE if one == _FLOAT else one for one in value.list.type]
            for function in value.list.func:
                function.name += _SUFFIX
            for tensor in value.list.tensor:
                _widen_tensor(tensor)


def _widen_tensor(tensor: Any) -> None:
    if tensor.dtype == _FLOAT:
        tensor.CopyFrom(tf.make_tensor_proto(tf.make_ndarray(tensor).astype(np.float64)))
