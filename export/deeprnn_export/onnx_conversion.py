"""Keras model to ONNX: trace through the seam, freeze, tf2onnx, clean, name."""

from __future__ import annotations

from typing import Any

import keras
import onnx
import tensorflow as tf
import tf2onnx
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from deeprnn_export.onnx_lowering import OnnxLowering
from deeprnn_export.seam import lowered

OPSET = 17


def convert(model: keras.Model, specs: list[tf.TensorSpec], output_names: list[str]) -> onnx.ModelProto:
    lowering = OnnxLowering()

    @tf.function(input_signature=specs, autograph=False)
    def forward(*inputs: Any) -> list[Any]:
        arranged = keras.tree.pack_sequence_as(model.inputs if len(model.inputs) > 1 else model.inputs[0], list(inputs))
        return [tf.identity(x, name=n) for x, n in zip(keras.tree.flatten(model(arranged, training=False)), output_names)]

    with lowered(model, lowering):
        frozen = convert_variables_to_constants_v2(forward.get_concrete_function())
    inputs = [t.name for t in frozen.inputs]
    outputs = [t.name for t in frozen.outputs]
    rename = dict(zip(inputs, [s.name for s in specs])) | dict(zip(outputs, output_names))
    proto, _ = tf2onnx.convert._convert_common(
        tf2onnx.tf_loader.from_function(frozen, inputs, outputs), name="model", continue_on_error=False, opset=OPSET,
        custom_op_handlers=lowering.handlers(), input_names=inputs, output_names=outputs, tensors_to_rename=rename)
    return proto
