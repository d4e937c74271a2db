"""Trace a model with a marker in the place of each recurrence, and of each layer that is an operation by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeprnn_export.cells.cell import Recurrence
from deeprnn_export.lowering.bidirectional import combine
from deeprnn_export.lowering.program.activations import find_activation
from deeprnn_export.lowering.program.form import CELLS
from deeprnn_export.lowering.target import RecurrenceOutput
from deeprnn_export.tracing.overrides import layer_paths
from deeprnn_export.tracing.recurrence import constant_of, name_of

OPERATION = "PyFunc"  # a TensorFlow operation with free inputs, outputs and a string; it is never run
_layers = keras.layers
_ACTIVATIONS = (_layers.Activation, _layers.ReLU, _layers.LeakyReLU, _layers.ELU)


@dataclass(frozen=True, eq=False)
class Marker:
    """Hold one call of a layer.

    Attributes:
        layer: its path.
        what: the recurrence, or the layer itself.
        begin: of a recurrence, the constant that each of its states starts from; None where they are inputs.
        masked: of a recurrence, whether its second input is a mask.
    """

    layer: str
    what: Any
    begin: tuple[float, ...] | None = None
    masked: bool = False


class Markers:
    """Give the lowering of recurrences and the overrides of layers that leave markers. One object serves one trace."""

    def __init__(self) -> None:
        self.made: list[Marker] = []

    def why_not(self, recurrence: Recurrence) -> str | None:
        """Return why a recurrence is no operation of a program; None where it is one."""
        if recurrence.cell.name not in CELLS:
            return f"there is no kernel for the cell {recurrence.cell.name}"
        for function in (recurrence.activation, recurrence.recurrent_activation):
            if find_activation(function) is None:
                return f"the activation {name_of(function)} is not Keras's"
        return None

    def run(
        self, directions: Sequence[Recurrence], sequences: Any, states: Sequence[list[Any]], mask: Any
    ) -> list[RecurrenceOutput]:
        """Mark each direction by itself."""
        return [self._recur(one, sequences, own, mask) for one, own in zip(directions, states, strict=True)]

    def merge(self, mode: str, forward: Any, backward: Any) -> Any:
        """Merge two directions as Keras does."""
        return combine(mode, forward, backward)

    def overrides(self, model: keras.Model) -> list[tuple[keras.layers.Layer, dict[str, Any]]]:
        """Return the ``call`` of each layer that is marked."""
        found: list[tuple[keras.layers.Layer, dict[str, Any]]] = []
        for layer, path in layer_paths(model).items():
            if type(layer) is _layers.Embedding and layer.quantization_mode is None:
                found.append((layer, {"call": self._embedding(layer, path)}))
            elif type(layer) is _layers.Dense and layer.quantization_mode is None and not layer.lora_enabled:
                found.append((layer, {"call": self._dense(layer, path)}))
            elif type(layer) is _layers.Conv1D and _is_plain(layer):
                found.append((layer, {"call": self._convolution(layer, path)}))
            elif isinstance(layer, _ACTIVATIONS) and find_activation(layer) is not None:
                found.append((layer, {"call": self._activation(layer, path)}))
        return found

    def _mark(self, marker: Marker, inputs: Sequence[Any], shapes: Sequence[Any]) -> list[Any]:
        token = str(len(self.made))
        self.made.append(marker)
        marked = tf.raw_ops.PyFunc(
            input=list(inputs), token=token, Tout=[tf.float32] * len(shapes), name=f"operation_{token}"
        )
        # The marker's shapes are unknown to TensorFlow; these operations carry them through freezing.
        return [tf.ensure_shape(one, shape) for one, shape in zip(marked, shapes, strict=True)]

    def _recur(self, one: Recurrence, sequences: Any, states: list[Any], mask: Any) -> RecurrenceOutput:
        constants = [constant_of(state) for state in states]
        begin = None if None in constants else tuple(value for value in constants if value is not None)
        rows, steps, _ = sequences.shape
        whole = (rows, steps, one.units) if one.return_sequences else (rows, one.units)
        inputs = [sequences, *([] if mask is None else [mask]), *(states if begin is None else [])]
        marker = Marker(one.name, one, begin, masked=mask is not None)
        output, *final = self._mark(marker, inputs, [whole, *[(rows, one.units)] * len(one.cell.states)])
        if not one.return_sequences:
            return RecurrenceOutput(output, tf.expand_dims(output, 1), final, "native")
        last = output[:, 0 if one.go_backwards else -1]
        return RecurrenceOutput(last, output, final, "native")

    def _embedding(self, layer: keras.layers.Embedding, path: str) -> Callable[[Any], Any]:
        def call(inputs: Any) -> Any:
            ids = inputs if inputs.dtype in (tf.int32, tf.int64) else tf.cast(inputs, tf.int32)
            return self._mark(Marker(path, layer), [ids], [(*ids.shape, layer.output_dim)])[0]

        return call

    def _dense(self, layer: keras.layers.Dense, path: str) -> Callable[..., Any]:
        def call(inputs: Any, training: Any = None) -> Any:  # noqa: ARG001 - Keras's signature
            outputs = self._mark(Marker(path, layer), [inputs], [(*inputs.shape[:-1], layer.units)])[0]
            return outputs if find_activation(layer.activation) is not None else layer.activation(outputs)

        return call

    def _convolution(self, layer: keras.layers.Conv1D, path: str) -> Callable[[Any], Any]:
        def call(inputs: Any) -> Any:
            shape = layer.compute_output_shape(inputs.shape)
            outputs = self._mark(Marker(path, layer), [inputs], [shape])[0]
            return outputs if find_activation(layer.activation) is not None else layer.activation(outputs)

        return call

    def _activation(self, layer: keras.layers.Layer, path: str) -> Callable[[Any], Any]:
        return lambda inputs: self._mark(Marker(path, layer), [inputs], [inputs.shape])[0]


def _is_plain(layer: keras.layers.Conv1D) -> bool:
    return bool(layer.data_format == "channels_last" and layer.groups == 1 and not layer.lora_enabled)


def array_of(variable: Any) -> Any:
    """Return a variable's numbers."""
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
