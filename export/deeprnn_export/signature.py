"""What goes into a model and what comes out: names, dtypes, shapes, and the range of its ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_edge.manifest import TensorSpec
from deeprnn_export.seam import layers_of, replaced


@dataclass(frozen=True)
class Signature:
    """A model's inputs and outputs, in its own order.

    mask_values: input name to the value that stands for a missing step, where a layer masks it.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    mask_values: dict[str, float]


def read_signature(model: keras.Model) -> Signature:
    """Trace a built model once, only to see what reads its inputs and what it returns."""
    if not model.built or not getattr(model, "inputs", None):
        raise UnsupportedModelError(
            f"the model {model.name!r} has no known inputs; call it once on sample data, or build it with keras.Input"
        )
    placeholders = keras.tree.flatten(model.inputs)
    names = _unique([tensor.name.split(":")[0] for tensor in placeholders])
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, name) for tensor, name in zip(placeholders, names, strict=True)]
    readers = _Readers()
    outputs: list[Any] = []

    def forward(*inputs: Any) -> None:
        readers.names = {tensor.ref(): name for tensor, name in zip(inputs, names, strict=True)}
        outputs.extend(keras.tree.flatten(call(model, inputs)))

    with replaced(readers.methods(model)):
        tf.function(forward, input_signature=specs, autograph=False).get_concrete_function()
    return Signature(
        tuple(_input_spec(spec, readers.id_counts.get(spec.name)) for spec in specs),
        tuple(
            TensorSpec(name, tensor.dtype.name, _axes(tensor.shape))
            for name, tensor in zip(_output_names(model, len(outputs)), outputs, strict=True)
        ),
        readers.mask_values,
    )


def call(model: keras.Model, inputs: Any) -> Any:
    """Call a model for inference on its inputs in a flat sequence, each cast to the dtype that it declares.

    Ids may come as integers into an input that was declared without a dtype, which is float32 in Keras.
    """
    cast = [tf.cast(value, spec.dtype) for value, spec in zip(inputs, keras.tree.flatten(model.inputs), strict=True)]
    structure = getattr(model, "_inputs_struct", None)
    arranged = keras.tree.pack_sequence_as(model.inputs if structure is None else structure, cast)
    if isinstance(arranged, list | tuple) and len(arranged) == 1:
        arranged = arranged[0]
    return model(arranged, training=False)


def tensor_specs(inputs: tuple[TensorSpec, ...], *, fixed: dict[str, tuple[int, ...]] | None = None) -> list[Any]:
    """TensorFlow's form of the inputs: symbolic axes free, or the whole shape as given in ``fixed``."""
    return [
        tf.TensorSpec(
            fixed[spec.name] if fixed else [None if isinstance(size, str) else size for size in spec.shape],
            spec.dtype,
            spec.name,
        )
        for spec in inputs
    ]


class _Readers:
    """Records which input goes straight into an embedding or a masking layer."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.id_counts: dict[str, int] = {}
        self.mask_values: dict[str, float] = {}

    def methods(self, model: keras.Model) -> list[tuple[keras.layers.Layer, dict[str, Callable[..., Any]]]]:
        return [
            (layer, {"call": self._watch(layer)})
            for layer in layers_of(model)
            if isinstance(layer, keras.layers.Embedding | keras.layers.Masking)
        ]

    def _watch(self, layer: keras.layers.Layer) -> Callable[[Any], Any]:
        original = layer.call

        def call(inputs: Any) -> Any:
            name = self.names.get(inputs.ref())
            if name is not None and isinstance(layer, keras.layers.Embedding):
                self.id_counts[name] = min(layer.input_dim, self.id_counts.get(name, layer.input_dim))
                if layer.mask_zero:
                    self.mask_values[name] = 0.0
            elif name is not None:
                self.mask_values[name] = float(layer.mask_value)
            return original(inputs)

        return call


def _input_spec(spec: tf.TensorSpec, id_count: int | None) -> TensorSpec:
    dtype = spec.dtype.name
    if id_count is not None and not dtype.startswith("int"):
        dtype = "int32"  # an input declared without a dtype that goes into an embedding
    return TensorSpec(spec.name, dtype, _axes(spec.shape), id_count)


def _axes(shape: Any) -> tuple[int | str, ...]:
    """Free axes by name: the first is the batch, the second free one the time."""
    names = iter(["time", "axis_2", "axis_3", "axis_4"])
    return tuple(
        "batch" if axis == 0 else next(names) if size is None else int(size) for axis, size in enumerate(shape)
    )


def _output_names(model: keras.Model, count: int) -> list[str]:
    """After the layers that make them, as far as the model knows these; a subclassed model does not."""
    histories = [
        getattr(tensor, "_keras_history", None) for tensor in keras.tree.flatten(getattr(model, "outputs", []))
    ]
    if len(histories) != count or None in histories:
        return [f"output_{index}" for index in range(count)]
    return _unique([history.operation.name for history in histories if history is not None])


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out
