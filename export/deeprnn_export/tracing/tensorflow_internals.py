"""Use the private and unstable parts of TensorFlow: one function each, which says what it mirrors.

Read in TensorFlow 2.20 and 2.21. Nothing else in the workshop touches them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from deeprnn_export.tracing.library_internals import internal

_internal = partial(internal, "TensorFlow")
MARKER = "PyFunc"


def made_by(tensor: Any) -> tuple[str, list[Any]]:
    """Return the operator that a traced tensor comes from, and its inputs: ``Tensor.op.type``, ``Tensor.op.inputs``."""
    node = _internal(tensor, "op")
    return _internal(node, "type"), list(_internal(node, "inputs"))


# Operators behind which values are still those of their first input, perhaps in another shape or dtype.
_VIEWS = ("Cast", "ExpandDims", "Identity", "Reshape", "Squeeze", "StridedSlice", "Transpose")


def views(tensor: Any) -> Iterator[Any]:
    """Yield a traced tensor, what it is a view of, and so on."""
    yield tensor
    operator, inputs = made_by(tensor)
    while operator in _VIEWS:
        tensor = inputs[0]
        yield tensor
        operator, inputs = made_by(tensor)


def untraced(method: Any) -> Any:
    """Return the Python function under a ``tf.function``, without the graphs that it keeps: ``python_function``.

    Returns:
        None for what is no ``tf.function``.
    """
    return (
        _internal(method, "python_function") if isinstance(method, tf.types.experimental.PolymorphicFunction) else None
    )


def freeze(traced: Any) -> Any:
    """Make constants of a traced function's variables and of the tensors that it captured.

    Mirrors ``convert_variables_to_constants_v2`` of ``tensorflow/python/framework/convert_to_constants.py``; control
    flow stays whole.
    """
    module = "tensorflow.python.framework.convert_to_constants"
    return _internal(module, "convert_variables_to_constants_v2")(traced, lower_control_flow=False)


def place_marker(inputs: Sequence[Any], token: str, *, outputs: int) -> list[Any]:
    """Put an operator with free inputs, float32 outputs and a string into the graph: ``tf.raw_ops.PyFunc``."""
    operator = _internal(tf.raw_ops, MARKER)
    return list(operator(input=list(inputs), token=token, Tout=[tf.float32] * outputs, name=f"recurrence_{token}"))


def lite_schema(name: str) -> Any:
    """Return a class or function of the parts of the converter's files: ``lite/python/schema_py_generated.py``."""
    return _internal("tensorflow.lite.python.schema_py_generated", name)


def read_lite_file(content: bytes) -> Any:
    """Read a converter's file as an object of those parts: ``flatbuffer_utils.convert_bytearray_to_object``."""
    return _internal("tensorflow.lite.tools.flatbuffer_utils", "convert_bytearray_to_object")(content)


def write_lite_file(model: Any) -> bytes:
    """Write such an object as a file's content: ``flatbuffer_utils.convert_object_to_bytearray``."""
    return bytes(_internal("tensorflow.lite.tools.flatbuffer_utils", "convert_object_to_bytearray")(model))


def lacking_operator(log: str) -> tuple[str, str] | None:
    """Find in what the converter wrote the operator that it has no builtin form of: ``ERROR_NEEDS_FLEX_OPS``.

    Returns:
        The operator's name and its node's; None where it refused for another reason.
    """
    found = re.search(r'"(\w+):", "([^"@]+)@?[^"]*".*ERROR_NEEDS_(?:FLEX|CUSTOM)_OPS', log)
    return None if found is None else (found[1], found[2])
