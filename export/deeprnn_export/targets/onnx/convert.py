"""Convert Keras to ONNX: trace with its layers overridden, freeze, convert with tf2onnx, check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import onnx
import tensorflow as tf

from deeprnn_export.lowering.lower import lowered
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.reading.signature import Signature, tensor_specs
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.onnx import TARGET
from deeprnn_export.targets.onnx.canonical import canonicalise
from deeprnn_export.targets.onnx.operators import HANDLERS
from deeprnn_export.targets.onnx.recurrences import OnnxLowering
from deeprnn_export.targets.onnx.tf2onnx_internals import convert_graph
from deeprnn_export.tracing.refusals import lacks_operator, refusing
from deeprnn_export.tracing.tensorflow_internals import freeze

# The newest opset that tf2onnx 1.17 tests beside 18, whose Split and Reduce forms fewer runtimes read;
# all that the recurrences need has been there since 14.
OPSET = 17


def convert_to_onnx(given: ConversionInput) -> Conversion:
    """Convert a model to an ONNX file, float32, with native recurrences and named inputs and outputs.

    Raises:
        UnsupportedModelError: which names the layers whose operators ONNX lacks.
    """
    model, signature = given.model, given.signature
    lowering, carry = OnnxLowering(), given.carry()
    own = len(signature.inputs) - len(carry.names)

    def forward(*inputs: Any) -> list[Any]:
        return [tf.identity(output) for output in carry.answers(model, inputs[:own], inputs[own:])]

    traced = tf.function(forward, input_signature=tensor_specs(signature.inputs), autograph=False)
    with refusing(f"the model {model.name!r} cannot be traced"), lowered(model, lowering, carry) as recurrences:
        # Freezing makes constants of the variables and of tensors that the trace captured, which
        # tf2onnx would turn into further inputs; control flow stays whole, as its Loop handler expects.
        frozen = freeze(traced.get_concrete_function())
    inputs = [tensor.name for tensor in frozen.inputs]
    outputs = [tensor.name for tensor in frozen.outputs]
    names = dict(zip(inputs, (spec.name for spec in signature.inputs), strict=True))
    names |= dict(zip(outputs, (spec.name for spec in signature.outputs), strict=True))
    with refusing(f"tf2onnx does not convert the model {model.name!r}"):
        proto = convert_graph(
            frozen.graph.as_graph_def(add_shapes=True),
            model.name,
            inputs,
            outputs,
            opset=OPSET,
            handlers=HANDLERS | lowering.handlers(),
            names=names,
        )
    _refuse_foreign(proto, model)
    canonicalise(proto.graph, {variable.numpy().tobytes(): variable.path for variable in model.variables})
    _name_axes(proto, signature)
    proto.producer_name, proto.producer_version = "deeprnn-edge", ""
    onnx.checker.check_model(proto, full_check=True)
    return Conversion(proto.SerializeToString(deterministic=True), tuple(recurrences))


def _refuse_foreign(proto: onnx.ModelProto, model: keras.Model) -> None:
    """Refuse what tf2onnx cannot convert, which it leaves in the graph under its TensorFlow name."""
    standard = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    foreign = [
        node for node in _nodes(proto.graph) if node.domain not in ("", "ai.onnx") or node.op_type not in standard
    ]
    if foreign:
        raise lacks_operator(model, foreign[0].op_type, foreign[0].name, lacks=TARGET.lacks, way_out=TARGET.way_out)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Iterate over every node, those in the bodies of loops too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def _name_axes(proto: onnx.ModelProto, signature: Signature) -> None:
    for values, specs in ((proto.graph.input, signature.inputs), (proto.graph.output, signature.outputs)):
        for value, spec in zip(values, specs, strict=True):
            del value.type.tensor_type.shape.dim[:]
            for size in spec.shape:
                axis = value.type.tensor_type.shape.dim.add()
                if isinstance(size, str):
                    axis.dim_param = size
                else:
                    axis.dim_value = size
