"""What the workshop uses of TensorFlow beyond its promises: a test for each, named after what it mirrors."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.tracing import tensorflow_internals as internals

SCHEMA = "tensorflow.lite.python.schema_py_generated"
FILES = "tensorflow.lite.tools.flatbuffer_utils"
FREEZING = "tensorflow.python.framework.convert_to_constants"


def lite_file() -> bytes:
    function = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec((1, 2))])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    return bytes(converter.convert())


def nodes(function: Any) -> list[Any]:
    graph = function.get_concrete_function().graph.as_graph_def()
    return [*graph.node, *(node for one in graph.library.function for node in one.node_def)]


def test_op_type_and_inputs() -> None:
    seen: list[Any] = []

    @tf.function(input_signature=[tf.TensorSpec((2,))])
    def double(x: Any) -> Any:
        seen.extend((x, internals.made_by(x * 2.0)))
        return x

    double.get_concrete_function()
    x, (operator, inputs) = seen
    assert operator == "Mul"
    assert inputs[0] is x


def test_python_function() -> None:
    def plain(x: Any) -> Any:
        return x

    assert internals.untraced(tf.function(plain)) is plain
    assert internals.untraced(plain) is None


def test_convert_variables_to_constants_v2() -> None:
    variable = tf.Variable([1.0, 2.0])
    function = tf.function(lambda x: tf.while_loop(lambda y: y[0] < 5, lambda y: (y + variable,), (x,)))
    frozen = internals.freeze(function.get_concrete_function(tf.TensorSpec((2,))))
    assert [tensor.shape for tensor in frozen.inputs] == [(2,)]  # the variable is none of them
    assert any("While" in node.op for node in frozen.graph.as_graph_def().node)
    np.testing.assert_array_equal(frozen(tf.constant([4.0, 0.0]))[0], [5.0, 2.0])


def test_py_func() -> None:
    function = tf.function(
        lambda x: internals.place_marker([x, x], "7", outputs=2), input_signature=[tf.TensorSpec((2,))]
    )
    (marker,) = [node for node in nodes(function) if node.op == internals.MARKER]
    assert marker.name == "recurrence_7"
    assert marker.attr["token"].s == b"7"
    assert len(marker.input) == 2
    assert list(marker.attr["Tout"].list.type) == [tf.float32.as_datatype_enum] * 2


def test_schema_py_generated_and_flatbuffer_utils() -> None:
    content = lite_file()
    model = internals.read_lite_file(content)
    assert all(isinstance(buffer, internals.lite_schema("BufferT")) for buffer in model.buffers)
    again = internals.write_lite_file(model)
    assert again[4:8] == b"TFL3"
    assert internals.write_lite_file(internals.read_lite_file(again)) == again


def test_error_needs_flex_ops(tmp_path: Path) -> None:
    module = tf.Module()
    module.serve = tf.function(lambda x: tf.linalg.det(x, name="odd"), input_signature=[tf.TensorSpec((2, 2))])
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    with pytest.raises(Exception, match="ERROR_NEEDS_FLEX_OPS") as raised:
        tf.lite.TFLiteConverter.from_saved_model(str(tmp_path)).convert()
    assert internals.lacking_operator(str(raised.value)) == ("MatrixDeterminant", "odd")
    assert internals.lacking_operator("out of memory") is None


GONE: dict[str, tuple[Any, str, Callable[[], Any]]] = {
    "freezing": (FREEZING, "convert_variables_to_constants_v2", lambda: internals.freeze(None)),
    "marker": (tf.raw_ops, "PyFunc", lambda: internals.place_marker([], "0", outputs=1)),
    "schema": (SCHEMA, "BufferT", lambda: internals.lite_schema("BufferT")),
    "reading": (FILES, "convert_bytearray_to_object", lambda: internals.read_lite_file(b"")),
    "writing": (FILES, "convert_object_to_bytearray", lambda: internals.write_lite_file(None)),
    "function": (type(tf.function(abs)), "python_function", lambda: internals.untraced(tf.function(abs))),
}


@pytest.mark.parametrize("name", GONE)
def test_what_an_upgrade_took_away_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    holder, attribute, use = GONE[name]
    monkeypatch.delattr(importlib.import_module(holder) if isinstance(holder, str) else holder, attribute)
    message = rf"^TensorFlow {tf.__version__} is newer than this release knows: .* has no {attribute} any more"
    with pytest.raises(UnsupportedModelError, match=message):
        use()


def test_a_traced_tensors_op_that_an_upgrade_took_away_is_named() -> None:
    with pytest.raises(UnsupportedModelError, match=r"^TensorFlow .* no op any more; install an older TensorFlow, or"):
        internals.made_by(object())
