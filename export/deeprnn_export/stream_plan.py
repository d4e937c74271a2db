"""Whether a model can answer step by step, and what its layers then hand from step to step.

The model is traced once with a free number of steps. What a recurrent layer or a causal convolution carries
becomes a state; every other layer that meets the sequence is tried on random steps, and has to give the
parts of a sequence the answers that it gives the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_edge.manifest import StateSpec, StreamSpec, TensorSpec
from deeprnn_export.carry import Carry, any_length
from deeprnn_export.causal_convolution import context_steps, reason_against
from deeprnn_export.inference_form import inference_form
from deeprnn_export.model_inputs import call
from deeprnn_export.plain_layers import rows_at_once
from deeprnn_export.recurrence import CELLS, constant_of, read_recurrences
from deeprnn_export.refusals import refusing
from deeprnn_export.seam import Shadows, layer_paths, replaced
from deeprnn_export.signature import Signature, tensor_specs
from deeprnn_export.stepwise import Call, answers_each_step, has_time

WAY_OUT = "leave --stream out, or build the model without it"


@dataclass(frozen=True)
class StreamPlan:
    """How a model streams.

    signature: its inputs and outputs with the time axis free, and behind them its states.
    calls: see Carry.
    """

    spec: StreamSpec
    signature: Signature
    calls: dict[str, list[tuple[str, ...]]]

    def carry(self) -> Carry:
        """For one trace, or for Keras's own answers."""
        return Carry(self.calls, [state.name for state in self.spec.states])


def plan_stream(model: keras.Model, signature: Signature) -> StreamPlan:
    """Find a model's states. Raises UnsupportedModelError that names the layer which cannot answer step by step."""
    inputs = _free_time(model, signature)
    discovery = _Discovery(model)
    answers: list[Any] = []

    def forward(*tensors: Any) -> None:
        answers.extend(keras.tree.flatten(call(model, tensors)))

    traced = refusing(f"the model {model.name!r} cannot be traced with a free number of steps, as --stream needs")
    with inference_form(model), replaced([*any_length(model), *discovery.shadows()]):
        try:
            with traced:
                tf.function(forward, input_signature=tensor_specs(inputs), autograph=False).get_concrete_function()
        except UnsupportedModelError:
            # Keras rewords what a layer raises, and what is refused may be why the trace failed.
            if not discovery.refusals:
                raise
        for made in discovery.tried:
            if not discovery.refusals and not answers_each_step(made):
                discovery.refuse(made.path, made.kind, _reason(made.kind))
    if discovery.refusals:
        raise UnsupportedModelError(discovery.refusals[0])
    if not discovery.states:
        raise UnsupportedModelError(f"no layer of the model {model.name!r} reads its input step by step: {WAY_OUT}")
    outputs = tuple(
        dataclasses.replace(spec, shape=(spec.shape[0], "time", *spec.shape[2:]) if has_time(answer) else spec.shape)
        for spec, answer in zip(signature.outputs, answers, strict=True)
    )
    states = tuple(dataclasses.replace(s, shape=(inputs[0].shape[0], *s.shape[1:])) for s in discovery.states)
    spec = StreamSpec(inputs, outputs, states, signature.mask_values.get(inputs[0].name) == 0.0)
    return StreamPlan(spec, _with_states(signature, spec), discovery.calls)


class _Discovery:
    """Watches a trace: the states that layers carry, layers that have to be tried, and what cannot stream."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.states: list[StateSpec] = []
        self.calls: dict[str, list[tuple[str, ...]]] = {}
        self.tried: list[Call] = []
        self.refusals: list[str] = []

    def refuse(self, path: str, kind: str, reason: str) -> None:
        """Keep a refusal until the trace is over: Keras rewords what is raised inside it."""
        self.refusals.append(f"layer {path!r} ({kind}) {reason}, so that it cannot answer step by step: {WAY_OUT}")

    def shadows(self) -> list[tuple[Any, Shadows]]:
        """For every layer and operation that may meet the sequence, what watches it."""
        paths = layer_paths(self.model)
        shadows: list[tuple[Any, Shadows]] = []
        seen: set[Any] = set()

        def visit(parent: Any, prefix: str) -> None:
            for owner in [*parent._layers, *_operations(parent)]:
                if owner in seen:
                    continue
                seen.add(owner)
                path = paths.get(owner, f"{prefix}{owner.name}")
                if isinstance(owner, keras.layers.RNN):
                    shadows.append((owner, {"inner_loop": self._recurrent(owner, path), "unroll": False}))
                elif type(owner) is keras.layers.Conv1D:
                    shadows.append((owner, {"call": self._convolution(owner, path)}))
                elif isinstance(owner, keras.layers.Bidirectional):
                    shadows.append((owner, {"call": self._both_directions(owner, path)}))
                elif _is_composite(owner):
                    visit(owner, f"{path}/")
                else:
                    shadows.append((owner, {"call": self._watch(owner, path)}))

        visit(self.model, "")
        return shadows

    def _recurrent(self, layer: keras.layers.RNN, path: str) -> Callable[..., Any]:
        original = layer.inner_loop
        found = read_recurrences(layer, path)

        def inner_loop(sequences: Any, initial_state: Any, mask: Any = None, training: bool = False) -> Any:
            initial = keras.tree.flatten(initial_state)
            if has_time(sequences):
                if layer.go_backwards:
                    self.refuse(path, type(layer).__name__, "reads the sequence from its end (go_backwards=True)")
                if isinstance(found, str) and mask is not None:
                    # What a masked step repeats is the output before it, which other cells may not have as a state.
                    self.refuse(path, type(layer).__name__, f"skips masked steps, and its {found}")
                kinds = _kinds(layer, len(initial))
                names = [self._state(layer, path, kind, state) for kind, state in zip(kinds, initial, strict=True)]
            else:
                names = []
            self.calls.setdefault(path, []).append(tuple(names))
            if isinstance(found, str):
                return original(sequences=sequences, initial_state=initial_state, mask=mask, training=training)
            # Of the right shape, and computed: another layer may start from it. Nobody reads the numbers.
            batch, time, _ = tf.unstack(tf.shape(sequences))
            some = tf.reduce_sum(sequences)
            units = found[-1].units
            states = keras.tree.map_structure(lambda state: state + some, initial_state)
            return tf.fill([batch, units], some), tf.fill([batch, time, units], some), states

        return inner_loop

    def _state(self, layer: keras.layers.Layer, path: str, kind: str, initial: Any) -> str:
        value = constant_of(initial)
        shape = tuple(initial.shape)
        if value is None or None in shape[1:]:
            self.refuse(
                path,
                type(layer).__name__,
                "starts from a state that the model computes (initial_state=...), as a stream goes on from its own",
            )
            value = 0.0
        return self._add(path, kind, shape, value)

    def _add(self, path: str, kind: str, shape: Sequence[int | None], initial: float) -> str:
        base = name = f"state_{path.replace('/', '_')}_{kind}"
        taken = {state.name for state in self.states}
        number = 2
        while name in taken:  # a layer that is called again carries a state of its own
            name, number = f"{base}_{number}", number + 1
        sizes: tuple[int | str, ...] = ("batch", *(int(size) for size in shape[1:] if size is not None))
        self.states.append(StateSpec(name, f"next_{name}", path, sizes, initial))
        return name

    def _convolution(self, layer: keras.layers.Conv1D, path: str) -> Callable[[Any], Any]:
        original = layer.call

        def call(inputs: Any) -> Any:
            names: tuple[str, ...] = ()
            if has_time(inputs):
                reason = reason_against(layer)
                if reason is not None:
                    self.refuse(path, type(layer).__name__, reason)
                elif steps := context_steps(layer):
                    names = (self._add(path, "context", (None, steps, inputs.shape[2]), 0.0),)
            self.calls.setdefault(path, []).append(names)
            return original(inputs)

        return call

    def _both_directions(self, layer: keras.layers.Bidirectional, path: str) -> Callable[..., Any]:
        original = layer.call

        def call(sequences: Any, *arguments: Any, **options: Any) -> Any:
            if has_time(sequences):
                self.refuse(path, type(layer).__name__, "reads the sequence from its end as well")
            return original(sequences, *arguments, **options)

        return call

    def _watch(self, owner: Any, path: str) -> Callable[..., Any]:
        original = rows_at_once(owner) if type(owner) is keras.layers.TimeDistributed else owner.call
        kind = type(owner).__name__

        def call(*arguments: Any, **options: Any) -> Any:
            meets = any(map(has_time, keras.tree.flatten((arguments, options))))
            try:
                outputs = original(*arguments, **options)
            except Exception:
                if meets:
                    self.refuse(path, kind, "needs a fixed number of steps")
                raise
            # Embeddings look up each step by itself, and random numbers are no ids.
            if meets and not isinstance(owner, keras.layers.Embedding):
                self.tried.append(Call(path, kind, original, (arguments, options), outputs))
            return outputs

        return call


def _free_time(model: keras.Model, signature: Signature) -> tuple[TensorSpec, ...]:
    """The inputs with their time axis free: the symbolic one, else the second of sequences of ids and of vectors."""
    if any("time" in spec.shape for spec in signature.inputs):
        return signature.inputs
    freed = tuple(
        dataclasses.replace(spec, shape=(spec.shape[0], "time", *spec.shape[2:]))
        if len(spec.shape) > 2 or (len(spec.shape) == 2 and not spec.dtype.startswith("float"))
        else spec
        for spec in signature.inputs
    )
    if freed == signature.inputs:
        raise UnsupportedModelError(f"no input of the model {model.name!r} has a time axis: {WAY_OUT}")
    return freed


def _with_states(signature: Signature, spec: StreamSpec) -> Signature:
    states = [(state.name, state.next_name, state) for state in spec.states]
    return dataclasses.replace(
        signature,
        inputs=(*spec.inputs, *(TensorSpec(name, state.dtype, state.shape) for name, _, state in states)),
        outputs=(*spec.outputs, *(TensorSpec(name, state.dtype, state.shape) for _, name, state in states)),
    )


def _operations(parent: Any) -> list[Any]:
    """Of a functional model, what is computed between its layers."""
    return [one for one in getattr(parent, "operations", ()) if not isinstance(one, keras.layers.Layer)]


def _is_composite(layer: Any) -> bool:
    """Whether a layer is made of others that carry states: these are watched one by one, and it is not tried."""
    if isinstance(layer, keras.layers.TimeDistributed) or not isinstance(layer, keras.layers.Layer):
        return False
    carrying = keras.layers.RNN | keras.layers.Bidirectional | keras.layers.Conv1D
    return isinstance(layer, keras.Model) or any(
        isinstance(inner, carrying) or _is_composite(inner) for inner in layer._layers
    )


def _kinds(layer: keras.layers.RNN, count: int) -> list[str]:
    """What tells a layer's states apart: h and c of LSTM, h of the others, numbers where only the cell knows."""
    stacked = type(layer.cell) is keras.layers.StackedRNNCells
    cells = layer.cell.cells if stacked else [layer.cell]
    if any(type(cell) not in CELLS for cell in cells):
        return [str(index) for index in range(count)]
    each = [["h", "c"] if CELLS[type(cell)] == "lstm" else ["h"] for cell in cells]
    return [f"{index}_{kind}" if stacked else kind for index, kinds in enumerate(each) for kind in kinds]


def _reason(kind: str) -> str:
    if "Attention" in kind:
        return "attends to the whole sequence"
    if "Pooling" in kind:
        return "pools over time"
    return "answers a step by those around it"
