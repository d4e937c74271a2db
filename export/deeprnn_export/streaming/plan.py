"""Plan whether a model can answer step by step, and what its layers then hand from step to step.

The model is traced once with a free number of steps. What a recurrent layer or a causal convolution carries
becomes a state; every other layer that meets the sequence is tried on random steps, also one that is made of
such layers, and has to give the parts of a sequence the answers that it gives the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.tensors import TIME, StreamSpec, TensorSpec, is_time
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.signature import Signature, tensor_specs
from deeprnn_export.streaming.carry import Carry, any_length
from deeprnn_export.streaming.discovery import WAY_OUT, Discovery
from deeprnn_export.streaming.trial import has_time, trial_form, why_not
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.model_inputs import call_model
from deeprnn_export.tracing.overrides import overridden
from deeprnn_export.tracing.refusals import refusing


@dataclass(frozen=True)
class StreamPlan:
    """Hold how a model streams.

    Attributes:
        signature: its inputs and outputs with the time axis free, and behind them its states.
        calls: see Carry.
    """

    spec: StreamSpec
    signature: Signature
    calls: dict[str, list[tuple[str, ...]]]

    def carry(self) -> Carry:
        """Make the carry for one trace, or for Keras's own answers."""
        return Carry(self.calls, [state.name for state in self.spec.states])

    def chunk_of(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Count the time steps of one call of a file with these fixed shapes, by input name."""
        timed = next(one for one in self.spec.inputs if "time" in one.shape)
        return shapes[timed.name][1]


def plan_stream(model: keras.Model, signature: Signature) -> StreamPlan:
    """Find a model's states.

    Raises:
        UnsupportedModelError: for a layer that cannot answer step by step, which it names.
    """
    refused: list[UnsupportedModelError] = []
    for inputs in _free_times(model, signature):
        try:
            return _plan(model, signature, inputs)
        except UnsupportedModelError as error:
            refused.append(error)
    raise refused[0]


def _plan(model: keras.Model, signature: Signature, inputs: tuple[TensorSpec, ...]) -> StreamPlan:
    discovery = Discovery(model)
    answers: list[Any] = []

    def forward(*tensors: Any) -> None:
        discovery.starts_from(tensors)
        answers.extend(keras.tree.flatten(call_model(model, tensors)))

    traced = refusing(f"the model {model.name!r} cannot be traced with a free number of steps, as stream=True needs")
    with inference_form(model):
        with overridden([*any_length(model), *discovery.overrides()]):
            try:
                with traced:
                    tf.function(forward, input_signature=tensor_specs(inputs), autograph=False).get_concrete_function()
            except UnsupportedModelError:
                # Keras rewords what a layer raises, and what is refused may be why the trace failed.
                if not discovery.refusals:
                    raise
        if not discovery.refusals:
            _try(model, discovery)
    if discovery.refusals:
        raise UnsupportedModelError(discovery.refusals[0])
    if not discovery.states:
        raise UnsupportedModelError(f"no layer of the model {model.name!r} reads its input step by step: {WAY_OUT}")
    outputs = tuple(
        dataclasses.replace(spec, shape=(spec.shape[0], "time", *spec.shape[2:]) if has_time(answer) else spec.shape)
        for spec, answer in zip(signature.outputs, answers, strict=True)
    )
    for one in (*inputs, *outputs):
        if free := {size for size in one.shape if isinstance(size, str)} - {"batch", "time"}:
            raise UnsupportedModelError(
                f"{one.name!r} has the shape ({', '.join(map(str, one.shape))}), and a stream's sizes are fixed but "
                f"for batch and time: build the model with a number for {free.pop()}, or leave stream=True out"
            )
    states = tuple(dataclasses.replace(s, shape=(inputs[0].shape[0], *s.shape[1:])) for s in discovery.states)
    spec = StreamSpec(inputs, outputs, states, signature.mask_values.get(inputs[0].name) == 0.0)
    return StreamPlan(spec, _with_states(signature, spec), discovery.calls)


def _try(model: keras.Model, discovery: Discovery) -> None:
    """Refuse the first call that does not give the parts of a sequence the answers that it gives the whole."""
    carry = Carry(discovery.calls, [state.name for state in discovery.states])
    with overridden(trial_form(model, carry)):
        for made in discovery.tried:
            reason = why_not(made, carry, discovery.states)
            if reason is not None:
                discovery.refuse(made.name, reason)
                break


def _tied(spec: TensorSpec) -> TensorSpec:
    return dataclasses.replace(spec, shape=tuple(TIME if is_time(size) else size for size in spec.shape))


def _free_times(model: keras.Model, signature: Signature) -> list[tuple[TensorSpec, ...]]:
    """Leave the time axis of the inputs free, in every way to be tried.

    The symbolic one; else the second of sequences of ids and of vectors, of one length. That of most steps is the
    first guess: an id or an image beside the sequence has such an axis too.
    """
    for spec in signature.inputs:
        if any(map(is_time, spec.shape[2:])):
            raise UnsupportedModelError(f"input {spec.name!r} has its steps behind another axis: {WAY_OUT}")
    if any(is_time(size) for spec in signature.inputs for size in spec.shape):
        # The chunks of a stream's inputs are of one length.
        return [tuple(_tied(spec) for spec in signature.inputs)]
    lengths = {spec.name: size for spec in signature.inputs if isinstance(size := _steps(spec), int)}
    if not lengths:
        raise UnsupportedModelError(f"no input of the model {model.name!r} has a time axis: {WAY_OUT}")
    return [
        tuple(
            dataclasses.replace(spec, shape=(spec.shape[0], "time", *spec.shape[2:]))
            if lengths.get(spec.name) == length
            else spec
            for spec in signature.inputs
        )
        for length in sorted(set(lengths.values()), reverse=True)
    ]


def _steps(spec: TensorSpec) -> int | str | None:
    """Return the second size of ids and of vectors; of a float input of two axes it is the number of features."""
    sequence = len(spec.shape) > 2 or (len(spec.shape) == 2 and not spec.dtype.startswith("float"))
    return spec.shape[1] if sequence else None


def _with_states(signature: Signature, spec: StreamSpec) -> Signature:
    states = [(state.name, state.next_name, state) for state in spec.states]
    return dataclasses.replace(
        signature,
        inputs=(*spec.inputs, *(TensorSpec(name, state.dtype, state.shape) for name, _, state in states)),
        outputs=(*spec.outputs, *(TensorSpec(name, state.dtype, state.shape) for _, name, state in states)),
    )
