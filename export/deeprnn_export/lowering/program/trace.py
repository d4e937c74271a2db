"""Trace a model into a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from deeprnn_edge.bundle.artifact import LoweredLayer
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.lower import lowered
from deeprnn_export.lowering.program.form import Program
from deeprnn_export.lowering.program.graph import Reader
from deeprnn_export.lowering.program.markers import Markers
from deeprnn_export.lowering.program.readers import READERS, read_marker
from deeprnn_export.streaming.carry import any_length
from deeprnn_export.tracing.model_inputs import call_model
from deeprnn_export.tracing.overrides import overridden
from deeprnn_export.tracing.refusals import refusing


@dataclass(frozen=True)
class Traced:
    """Hold a program, and what became of each recurrent layer in it."""

    program: Program
    recurrences: tuple[LoweredLayer, ...]


def trace_program(model: keras.Model, inputs: Sequence[TensorSpec], *, target: str) -> Traced:
    """Say what a model computes for one row.

    Args:
        model: a built model.
        inputs: its inputs; a symbolic axis other than the batch is time, and there is one.
        target: the target's title, for refusals.

    Returns:
        The program and the forms of its recurrent layers.

    Raises:
        UnsupportedModelError: for a layer that is no operation of a program, by its name, and for two free lengths.
    """
    free = {size: spec.name for spec in inputs for size in spec.shape[1:] if isinstance(size, str)}
    if len(free) > 1:
        raise UnsupportedModelError(
            f"the inputs {' and '.join(map(repr, free.values()))} of the model {model.name!r} have free lengths that "
            f"may differ, and {target} has one: build the model with fixed lengths for all but one of them"
        )
    markers = Markers()
    specs = [
        tf.TensorSpec([1, *(None if isinstance(size, str) else size for size in spec.shape[1:])], spec.dtype, spec.name)
        for spec in inputs
    ]

    def forward(*tensors: Any) -> list[Any]:
        return [tf.identity(output) for output in keras.tree.flatten(call_model(model, tensors))]

    traced = tf.function(forward, input_signature=specs, autograph=False)
    with (
        refusing(f"the model {model.name!r} cannot be traced"),
        lowered(model, markers) as recurrences,
        overridden([*any_length(model), *markers.overrides(model)]),
    ):
        frozen = convert_variables_to_constants_v2(traced.get_concrete_function(), lower_control_flow=False)
    reader = Reader(model, frozen, markers.made, inputs, target=target, readers=READERS, read_marker=read_marker)
    return Traced(reader.program(), tuple(recurrences))
