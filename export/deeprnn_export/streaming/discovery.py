"""Learn from a trace over a free number of steps what states layers have, and what has to be tried or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.tensors import StateSpec
from deeprnn_export.cells import cell_of
from deeprnn_export.streaming.convolution import context_steps, why_not
from deeprnn_export.streaming.keras_loop import repeated_state
from deeprnn_export.streaming.trial import Call, has_time, reads
from deeprnn_export.tracing.keras_internals import functional_class, has_keras_loop, inner_layers, loop_of, with_loop
from deeprnn_export.tracing.layer_table import Action, overrides_of
from deeprnn_export.tracing.overrides import Override, layer_paths
from deeprnn_export.tracing.plain_layers import rows_at_once
from deeprnn_export.tracing.recurrence import constant_of, is_stacked, keras_cells, read_recurrences

WAY_OUT = "leave stream=True out, or build the model without it"
_layers = keras.layers
_KERAS_CALLS = {kind.call for kind in (_layers.RNN, _layers.SimpleRNN, _layers.LSTM, _layers.GRU)}
_CALLS_OF_GRAPHS = {keras.Sequential.call, functional_class().call}


class Discovery:
    """Watch a trace: the states that layers carry, calls that have to be tried, and what cannot stream.

    Attributes:
        calls: see Carry.
        tried: those that meet the sequence, inner ones first.
        refusals: whole messages.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.states: list[StateSpec] = []
        self.calls: dict[str, list[tuple[str, ...]]] = {}
        self.tried: list[Call] = []
        self.refusals: list[str] = []
        self._sequences: set[Any] = set()

    def starts_from(self, inputs: Sequence[Any]) -> None:
        """Remember the traced inputs, ahead of the trace."""
        self._sequences = {tensor.ref() for tensor in inputs if has_time(tensor)}

    def refuse(self, name: str, reason: str) -> None:
        """Keep a refusal until the trace is over: Keras rewords what is raised inside it."""
        self.refusals.append(f"{name} {reason}, so that it cannot answer step by step: {WAY_OUT}")

    def overrides(self) -> list[Override]:
        """Return what watches every layer and operation that may meet the sequence."""
        paths = layer_paths(self.model)
        met: dict[Any, str] = {}

        def visit(parent: Any, prefix: str) -> None:
            for inner in [*inner_layers(parent), *_operations(parent)]:
                if inner not in met:
                    met[inner] = path = paths.get(inner, f"{prefix}{inner.name}")
                    if _is_composite(inner):
                        visit(inner, f"{path}/")

        visit(self.model, "")
        actions: Mapping[str, Action] = {
            "find states": self._find_states,
            "find context": self._find_context,
            "refuse": self._refuse_both_directions,
            "watch": lambda layer, path: self._watch(layer, path, layer.call),
            "watch rows": lambda layer, path: self._watch(layer, path, rows_at_once(layer, path)["call"]),
        }
        return overrides_of({**met, self.model: ""}, "discovery", actions)

    def _find_states(self, layer: keras.layers.RNN, path: str) -> Mapping[str, Any]:
        loop = {**with_loop(layer, self._recurrent(layer, path)), "unroll": False}
        own = type(layer).call not in _KERAS_CALLS or not has_keras_loop(layer)
        return {**loop, **self._watch(layer, path, layer.call)} if own else loop

    def _recurrent(self, layer: keras.layers.RNN, path: str) -> Callable[..., Any]:
        original = loop_of(layer)
        found = read_recurrences(layer, path) if layer.built else "not called"

        def inner_loop(sequences: Any, initial_state: Any, mask: Any = None, training: bool = False) -> Any:
            initial = keras.tree.flatten(initial_state)
            names: list[str] = []
            if has_time(sequences):
                if layer.go_backwards:
                    self.refuse(_name(layer, path), "reads the sequence from its end (go_backwards=True)")
                kinds = _kinds(layer, len(initial))
                names = [self._state(layer, path, kind, state) for kind, state in zip(kinds, initial, strict=True)]
                if mask is not None:
                    self._masked(layer, path, sequences, initial_state)
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

    def _masked(self, layer: keras.layers.RNN, path: str, sequences: Any, initial_state: Any) -> None:
        """Require that the output before a chunk is a state: a masked step ahead of the first kept one repeats it."""
        if not has_keras_loop(layer):
            self.refuse(_name(layer, path), "skips masked steps in an inner_loop of its own")
        if layer.zero_output_for_mask:
            return
        index = repeated_state(layer, sequences, initial_state)
        if index is None:
            cell = type(layer.cell).__name__
            reason = f"repeats its output at masked steps, and its {cell} does not have it among its states"
            self.refuse(_name(layer, path), reason)
        elif constant_of(keras.tree.flatten(initial_state)[index]) not in (0.0, None):  # None is refused as it is
            self.refuse(_name(layer, path), "skips masked steps, and starts from a state that is not zero")

    def _state(self, layer: keras.layers.Layer, path: str, kind: str, initial: Any) -> str:
        value = constant_of(initial)
        shape = tuple(initial.shape)
        if value is None or None in shape[1:]:
            reason = "starts from a state that the model computes or has learned, as a stream goes on from its own"
            self.refuse(_name(layer, path), reason)
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

    def _find_context(self, layer: keras.layers.Conv1D, path: str) -> Mapping[str, Any]:
        original = layer.call

        def call(inputs: Any) -> Any:
            names: tuple[str, ...] = ()
            if has_time(inputs):
                reason = why_not(layer)
                if reason is not None:
                    self.refuse(_name(layer, path), reason)
                elif steps := context_steps(layer):
                    names = (self._add(path, "context", (None, steps, inputs.shape[2]), 0.0),)
            self.calls.setdefault(path, []).append(names)
            return original(inputs)

        return {"call": call}

    def _refuse_both_directions(self, layer: keras.layers.Bidirectional, path: str) -> Mapping[str, Any]:
        original = layer.call

        def call(sequences: Any, *arguments: Any, **options: Any) -> Any:
            if has_time(sequences):
                self.refuse(_name(layer, path), "reads the sequence from its end as well")
            return original(sequences, *arguments, **options)

        return {"call": call}

    def _watch(self, owner: Any, path: str, original: Callable[..., Any]) -> Mapping[str, Any]:
        if type(owner).call in _CALLS_OF_GRAPHS:
            return {}  # its layers and operations are watched

        def call(*arguments: Any, **options: Any) -> Any:
            tensors = [one for one in keras.tree.flatten((arguments, options)) if tf.is_symbolic_tensor(one)]
            meets = any(map(has_time, tensors))
            joins = meets and any(not has_time(one) and reads(one, self._sequences) for one in tensors)
            made = {path: len(calls) for path, calls in self.calls.items()}
            try:
                outputs = original(*arguments, **options)
            except Exception:
                if meets:
                    self.refuse(_name(owner, path), "needs a fixed number of steps")
                raise
            if meets:
                name = _name(owner, path)
                self.tried.append(Call(owner, name, original, (arguments, options), outputs, made, joins))
            return outputs

        return {"call": call}


def _name(owner: Any, path: str) -> str:
    """Name what is refused; a model as a whole has no path."""
    kind = type(owner).__name__
    return f"layer {path!r} ({kind})" if path else f"model {owner.name!r} ({kind})"


def _operations(parent: Any) -> list[Any]:
    """List what is computed between the layers of a functional model."""
    return [one for one in getattr(parent, "operations", ()) if not isinstance(one, _layers.Layer)]


def _is_composite(layer: Any) -> bool:
    """Return whether a layer is made of others that carry states: these are watched one by one as well."""
    whole = _layers.RNN | _layers.Bidirectional
    if isinstance(layer, _layers.TimeDistributed | whole) or not isinstance(layer, _layers.Layer):
        return False
    return isinstance(layer, keras.Model) or any(
        isinstance(inner, whole | _layers.Conv1D) or _is_composite(inner) for inner in inner_layers(layer)
    )


def _kinds(layer: keras.layers.RNN, count: int) -> list[str]:
    """Name a layer's states, as its cells do; by numbers where only the cell knows them."""
    each = [None if cell is None else cell.states for cell in map(cell_of, keras_cells(layer))]
    if None in each:
        return [str(index) for index in range(count)]
    stacked = is_stacked(layer)
    return [f"{index}_{kind}" if stacked else kind for index, kinds in enumerate(each) for kind in kinds or ()]
