"""What the workshop uses of tf2onnx beyond its promises: a test for each, named after what it mirrors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto
from tf2onnx import shape_inference, tfonnx, utils

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.targets.onnx import tf2onnx_internals as internals
from deeprnn_export.tracing.tensorflow_internals import MARKER, freeze, place_marker

Rule = Callable[[Any, Any], None]


def converted(function: Callable[[Any], Any], operator: str = "", rule: Rule | None = None) -> onnx.ModelProto:
    """A function of ``(2, 3)`` float32 as ONNX, with ``rule`` for the operator."""
    specs = [tf.TensorSpec((2, 3), tf.float32)]
    frozen = freeze(tf.function(function, input_signature=specs, autograph=False).get_concrete_function())
    inputs, outputs = ([one.name for one in some] for some in (frozen.inputs, frozen.outputs))
    handlers = {} if rule is None else {operator: lambda graph, node, _name, _arguments: rule(graph, node)}
    names = {inputs[0]: "x", outputs[0]: "y"}
    definition = frozen.graph.as_graph_def(add_shapes=True)
    return internals.convert_graph(definition, "some", inputs, outputs, opset=17, handlers=handlers, names=names)


def operators(proto: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in proto.graph.node]


def test_from_graph_def_and_tensors_to_rename() -> None:
    proto = converted(lambda x: tf.nn.relu(x) + 1.0)
    assert sorted(operators(proto)) == ["Add", "Relu"]
    assert ([one.name for one in proto.graph.input], [one.name for one in proto.graph.output]) == (["x"], ["y"])
    assert proto.opset_import[0].version == 17


def test_custom_op_handlers_and_make_node_and_remove_node() -> None:
    def rule(graph: Any, node: Any) -> None:
        (x,) = node.input
        kept = internals.take_out(graph, node)
        assert (kept["shapes"], kept["dtypes"]) == ([[2, 3]], [TensorProto.FLOAT])
        internals.add_node(graph, "Neg", internals.add_node(graph, "Abs", [x]), **kept)

    assert operators(converted(lambda x: tf.identity(tf.math.lgamma(x)), "Lgamma", rule)) == ["Abs", "Neg"]


def test_make_const_and_get_node_by_name() -> None:
    def rule(graph: Any, node: Any) -> None:
        (x,), kept = node.input, internals.take_out(graph, node)
        one, same = (internals.add_constant(graph, "own/one", np.full(3, 7.0, np.float32)) for _ in range(2))
        assert one == same
        internals.add_node(graph, "Add", [x, one], **kept)

    proto = converted(lambda x: tf.identity(tf.math.lgamma(x)), "Lgamma", rule)
    (constant,) = proto.graph.initializer
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(constant), np.full(3, 7.0))


def test_get_attr_str_and_get_dtype() -> None:
    seen = []

    def rule(graph: Any, node: Any) -> None:
        seen.append((internals.text_attribute(node, "token"), internals.dtype_of(graph, node.input[0])))
        internals.add_node(graph, "Identity", node.input, **internals.take_out(graph, node) | {"shapes": None})

    converted(lambda x: tf.ensure_shape(place_marker([x], "12", outputs=1)[0], (2, 3)), MARKER, rule)
    assert seen == [("12", TensorProto.FLOAT)]


def test_select_version_9() -> None:
    def whole(x: Any) -> Any:
        return tf.cast(tf.where(x > 0, tf.constant(3, tf.int64), tf.constant(5, tf.int64)), tf.float32)

    own, given = converted(whole), converted(whole, "SelectV2", internals.convert_select)
    assert sorted(operators(own)) == sorted(operators(given))
    assert "SelectV2" not in operators(given)


def test_floor_div_version_6() -> None:
    def whole(x: Any) -> Any:
        return tf.math.floordiv(x, 3.0)

    own, given = converted(whole), converted(whole, "FloorDiv", internals.convert_floor_div)
    assert sorted(operators(own)) == sorted(operators(given))
    assert "FloorDiv" not in operators(given)


def test_get_rank_and_get_attr_int() -> None:
    seen = []

    def rule(graph: Any, node: Any) -> None:
        seen.append((internals.rank_of(graph, node.input[0]), internals.number_attribute(node, "batch_dims")))
        internals.add_node(graph, "Identity", [node.input[0]], **internals.take_out(graph, node) | {"shapes": None})

    converted(lambda x: tf.gather(x, [0, 1]), "GatherV2", rule)
    assert seen == [(2, 0)]


def test_make_name() -> None:
    assert internals.NUMBERED.search(utils.make_name("loop"))
    assert internals.NUMBERED.search(utils.make_name("loop") + ":1")
    assert not internals.NUMBERED.search("gru_2/W")


def test_the_loggers_names(caplog: pytest.LogCaptureFixture) -> None:
    assert (tfonnx.logger.name, shape_inference.logger.name) == ("tf2onnx.tfonnx", "tf2onnx.shape_inference")
    levels = [logging.getLogger(name).level for name in ("tensorflow", "tf2onnx")]
    converted(lambda x: tf.nn.relu(x))
    assert not caplog.records
    assert [logging.getLogger(name).level for name in ("tensorflow", "tf2onnx")] == levels


@pytest.mark.parametrize(
    ("use", "lost"),
    [
        (lambda: internals.add_node(object(), "Abs", ["x"]), "make_node"),
        (lambda: internals.add_constant(object(), "one", np.ones(1)), "get_node_by_name"),
        (lambda: internals.dtype_of(object(), "x"), "get_dtype"),
        (lambda: internals.text_attribute(object(), "token"), "get_attr_str"),
        (lambda: internals.rank_of(object(), "x"), "get_rank"),
        (lambda: internals.number_attribute(object(), "axis"), "get_attr_int"),
    ],
)
def test_what_an_upgrade_took_away_is_said(use: Callable[[], object], lost: str) -> None:
    with pytest.raises(
        UnsupportedModelError, match=f"tf2onnx .* is newer than this release knows: object has no {lost}"
    ):
        use()


def test_an_option_that_an_upgrade_took_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tf2onnx.convert.from_graph_def", lambda graph_def, name: None)
    with pytest.raises(UnsupportedModelError, match=r"is newer than .* has no custom_op_handlers any more"):
        converted(lambda x: tf.nn.relu(x))
