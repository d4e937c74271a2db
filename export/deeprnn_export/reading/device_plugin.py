"""Give ``.keras`` and ``.h5`` files to the device's ``inspect`` and ``bench``, through the entry points of formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.inspection.record import Inspection
from deeprnn_edge.runtimes.file_inspection import FileInspection, TensorBytes
from deeprnn_export.reading.description import describe_architecture
from deeprnn_export.reading.load import load_model
from deeprnn_export.reading.signature import Signature, read_signature
from deeprnn_export.tracing.model_inputs import call_model


def inspect(path: Path) -> Inspection:
    """Inspect what a saved Keras model holds: its layers, its variables, its signature."""
    model = load_model(path)
    signature = read_signature(model)
    size_bytes = path.stat().st_size
    tensors = [
        TensorBytes(variable.path, variable.dtype, tuple(variable.shape), int(variable.numpy().nbytes))
        for variable in model.variables
    ]
    file = FileInspection(
        path=path.name,
        format="keras",
        precision=None,
        size_bytes=size_bytes,
        inputs=signature.inputs,
        outputs=signature.outputs,
        tensors=tuple(sorted(tensors, key=lambda tensor: -tensor.size_bytes)),
    )
    layers = describe_architecture(model).layers
    return Inspection(str(path), "keras", size_bytes, signature.inputs, signature.outputs, layers, (file,))


def open_runner(path: Path) -> KerasSession:
    """Open the model in Keras itself, compiled as a ``tf.function``: the quickest way to call it there."""
    model = load_model(path)
    return KerasSession(model, read_signature(model))


class KerasSession:
    """Run a Keras model behind the interface of the device's sessions."""

    fixed_shapes: Mapping[str, tuple[int, ...]] = {}

    def __init__(self, model: keras.Model, signature: Signature) -> None:
        self._names = [spec.name for spec in signature.inputs]
        self._outputs = [spec.name for spec in signature.outputs]
        self._call = tf.function(lambda *inputs: keras.tree.flatten(call_model(model, inputs)), autograph=False)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run arrays of the model's own inputs to arrays of its outputs, both by name."""
        answers = self._call(*(tf.constant(feeds[name]) for name in self._names))
        return {name: np.asarray(answer.numpy()) for name, answer in zip(self._outputs, answers, strict=True)}
