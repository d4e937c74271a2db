"""Read what goes into a model and what comes out: names, dtypes, shapes, and the range of its ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.tensors import TIME, TensorSpec
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.time_axes import name_time_axes, trace_shapes
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.keras_internals import maker_of
from deeprnn_export.tracing.layer_table import overrides_of
from deeprnn_export.tracing.model_inputs import call_model, placeholders, unique
from deeprnn_export.tracing.overrides import Override, layer_paths, overridden
from deeprnn_export.tracing.plain_layers import rows_at_once
from deeprnn_export.tracing.refusals import layer_along, refusing
from deeprnn_export.tracing.tensorflow_internals import views


@dataclass(frozen=True)
class Signature:
    """Hold a model's inputs and outputs, in its own order.

    Attributes:
        mask_values: input name to the value that stands for a missing step, where a layer masks it.
        drawing: the layer that draws random numbers at inference, if one does.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    mask_values: dict[str, float]
    drawing: str | None = None


def read_signature(model: keras.Model) -> Signature:
    """Trace a built model once, only to see what reads its inputs and what it returns."""
    declared = placeholders(model)
    strings = [one.name for one in declared if one.dtype == "string"]
    if strings:
        raise UnsupportedModelError(f"input {strings[0]!r} takes strings, for which the runtimes have no operators")
    specs = [tf.TensorSpec(one.shape, one.dtype, one.name) for one in declared]
    readers = _Readers()
    answers: list[Any] = []

    def forward(*inputs: Any) -> None:
        readers.names = {tensor.ref(): one.name for tensor, one in zip(inputs, declared, strict=True)}
        answers.append(call_model(model, inputs))

    traced = refusing(f"the model {model.name!r} cannot be traced as a graph")
    with traced, inference_form(model), overridden(readers.overrides(model)):
        graph = tf.function(forward, input_signature=specs, autograph=False).get_concrete_function().graph
    flat = keras.tree.flatten(answers[0])
    named = list(zip(_output_names(model, answers[0], len(flat)), flat, strict=True))
    for name, tensor in named:
        if tensor.shape.rank is None:
            raise UnsupportedModelError(
                f"output {name!r} of the model {model.name!r} has no known number of axes, as behind tf.squeeze "
                "without axes: name the axis, such as keras.ops.squeeze(x, axis=-1), or set the shape that you expect"
            )
    inputs = tuple(_input_spec(spec, readers.id_counts.get(spec.name)) for spec in specs)
    outputs = tuple(TensorSpec(name, tensor.dtype.name, _axes(tensor.shape)) for name, tensor in named)
    if sum(TIME in spec.shape for spec in inputs) > 1:
        trace = trace_shapes(lambda *given: keras.tree.flatten(call_model(model, given)), specs)
        with (
            inference_form(model),
            overridden(readers.overrides(model)),
        ):
            inputs, outputs = name_time_axes(inputs, outputs, trace)
    return Signature(
        inputs,
        outputs,
        readers.mask_values,
        _drawing(model, graph.as_graph_def()),
    )


def tensor_specs(
    inputs: tuple[TensorSpec, ...], *, fixed: Mapping[str, tuple[int | None, ...]] | None = None
) -> list[Any]:
    """Put the inputs in TensorFlow's form: symbolic axes free, or the whole shape as given in ``fixed``."""
    return [
        tf.TensorSpec(
            fixed[spec.name] if fixed else [None if isinstance(size, str) else size for size in spec.shape],
            spec.dtype,
            spec.name,
        )
        for spec in inputs
    ]


class _Readers:
    """Note which input goes into an embedding or a masking layer as it is."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.id_counts: dict[str, int] = {}
        self.mask_values: dict[str, float] = {}

    def overrides(self, model: keras.Model) -> list[Override]:
        actions = {"note ids": self._watch, "rows at once": rows_at_once}
        return overrides_of(layer_paths(model), "reading", actions)

    def _watch(self, layer: keras.layers.Layer, _path: str) -> Mapping[str, Any]:
        original = layer.call

        def call(inputs: Any, *further: Any, **options: Any) -> Any:
            name = self._origin(inputs)
            if name is not None and isinstance(layer, keras.layers.Embedding):
                self.id_counts[name] = min(layer.input_dim, self.id_counts.get(name, layer.input_dim))
                if layer.mask_zero:
                    self.mask_values[name] = 0.0
            elif name is not None:
                self.mask_values[name] = float(layer.mask_value)
            return original(inputs, *further, **options)

        return {"call": call}

    def _origin(self, tensor: Any) -> str | None:
        """Name the input whose values a tensor holds, perhaps in another shape or dtype."""
        return next((self.names[one.ref()] for one in views(tensor) if one.ref() in self.names), None)


def _drawing(model: keras.Model, graph: Any) -> str | None:
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    drawing = [node.name for node in nodes if "Random" in node.op]
    return layer_along(model, drawing[0]) if drawing else None


def _input_spec(spec: tf.TensorSpec, id_count: int | None) -> TensorSpec:
    dtype = spec.dtype.name
    if id_count is not None and not dtype.startswith("int"):
        dtype = "int32"  # an input declared without a dtype that goes into an embedding
    return TensorSpec(spec.name, dtype, _axes(spec.shape), id_count)


def _axes(shape: Any) -> tuple[int | str, ...]:
    """Name the free axes: the first is the batch, the second free one the time."""
    names = iter(["time", "axis_2", "axis_3", "axis_4"])
    return tuple(
        "batch" if axis == 0 else next(names) if size is None else int(size) for axis, size in enumerate(shape)
    )


def _output_names(model: keras.Model, answer: Any, count: int) -> list[str]:
    """Name outputs by a dict's keys, else by the layers that make them, which a subclassed model does not know."""
    if isinstance(answer, dict) and len(answer) == count:
        return [str(key) for key in sorted(answer)]
    makers = [maker_of(tensor) for tensor in keras.tree.flatten(getattr(model, "outputs", None) or [])]
    if len(makers) != count or None in makers:
        return [f"output_{index}" for index in range(count)]
    return unique([maker.name for maker in makers])
