"""Keras models from descriptions: the same model, weights too, for the same description."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.support.random_models.classes import Chain, LeakyCell, Wrapper
from tests.support.random_models.descriptions import Architecture, Branch, Cell, Recurrent, is_chain
from tests.support.random_models.inputs import ID_COUNT, as_one, id_dtype, random_inputs, reset_states, state_sizes
from tests.support.random_models.weights import randomise, tame

LAYERS = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
Tensor = Any


def build(description: Architecture) -> keras.Model:
    """The described model, with random weights and every state at zero."""
    model = _sequential(description) if description.form == "sequential" else _functional(description)
    if description.form == "subclassed":
        model = Chain(_chain(description)) if is_chain(description) else Wrapper(model)
        model(as_one(random_inputs(description, np.random.default_rng(0), batch=description.batch or 2)))
        reset_states(model)
    randomise(model, description)
    tame(model, description)
    return model


def _functional(description: Architecture) -> keras.Model:
    time = None if description.free_time else description.steps
    inputs, joined = [], []
    for index, branch in enumerate(description.branches):
        x = _input(description, f"input_{index}", time, *_axes(branch), dtype=id_dtype(branch))
        inputs.append(x)
        for layer in _front(branch):
            x = layer(x)
        joined.append(x)
    mask = None
    if description.explicit_mask:
        mask = _input(description, "mask", time, dtype="bool")
        inputs.append(mask)
    x = _join(description, joined)
    states: list[Tensor] = []
    for index, layer in enumerate(description.layers):
        start = None
        if layer.start == "previous":
            start = states
        elif layer.start == "input":
            sizes = enumerate(state_sizes(layer))
            start = [_input(description, f"state_{index}_{number}", size) for number, size in sizes]
            inputs += start
        following = description.layers[index + 1 : index + 2]
        hand_over = following[0].start == "previous" if following else description.states_out
        x, states = _block(description, layer, x, start, mask, hand_over)
    outputs = _heads(description, x) + (states if description.states_out else [])
    return keras.Model(as_one(inputs), as_one(outputs))


def _sequential(description: Architecture) -> keras.Model:
    (branch,) = description.branches
    time = None if description.free_time else description.steps
    first = _input(description, "input_0", time, *_axes(branch), dtype=id_dtype(branch))
    return keras.Sequential([first, *_chain(description)])


def _chain(description: Architecture) -> list[keras.layers.Layer]:
    (branch,) = description.branches
    layers = _front(branch)
    width = branch.width
    for layer in layers:
        width = layer.units if isinstance(layer, keras.layers.Dense) else getattr(layer, "filters", width)
    for described in description.layers:
        inner = _recurrent(described)
        layers += [_nested(description, described, inner, width) if described.nested else inner]
        layers += [_plain(name) for name in described.after]
        width = _width_after(described)
    return layers + _head(description)


def _block(
    description: Architecture, layer: Recurrent, x: Tensor, start: list[Tensor] | None, mask: Tensor, hand_over: bool
) -> tuple[Tensor, list[Tensor]]:
    """One recurrent layer with what stands around it; its output and its final states."""
    extra = {} if mask is None else {"mask": mask}
    if layer.nested:
        answer, states = _nested(description, layer, _recurrent(layer), x.shape[-1])(x), []
    elif layer.twice:
        shared = _recurrent(layer)
        both = [_together(shared(value, **extra), layer)[0] for value in (x, keras.layers.Activation("tanh")(x))]
        answer, states = keras.layers.Average()(both), []
    else:
        made = _recurrent(layer, return_state=hand_over)
        if start is not None:
            extra["initial_state"] = start
        answer, states = _together(made(x, **extra), layer)
    if layer.residual:
        same = answer.shape[-1] == x.shape[-1]
        answer = keras.layers.Add()([answer, x if same else keras.layers.Dense(answer.shape[-1])(x)])
    for name in layer.after:
        answer = _plain(name)(answer)
    return answer, states


def _nested(description: Architecture, layer: Recurrent, inner: keras.layers.Layer, width: int) -> keras.Model:
    x = _input(description, f"{inner.name}_input", None if description.free_time else description.steps, width)
    return keras.Model(x, _together(inner(x), layer)[0], name=f"{inner.name}_model")


def _together(outputs: Any, layer: Recurrent) -> tuple[Tensor, list[Tensor]]:
    """What a recurrent layer returned as one tensor and its states."""
    flat = keras.tree.flatten(outputs)
    if layer.merge == "apart":
        return keras.layers.Concatenate()(flat[:2]), flat[2:]
    return flat[0], flat[1:]


def _recurrent(layer: Recurrent, *, return_state: bool = False) -> keras.layers.Layer:
    if layer.merge == "no":
        return _one_way(layer, return_state, go_backwards=layer.go_backwards)
    # Keras makes the second layer backwards itself, which a first one that is backwards already does not allow.
    other = _one_way(layer, return_state, go_backwards=False) if layer.go_backwards else None
    merge_mode = None if layer.merge == "apart" else layer.merge
    inner = _one_way(layer, return_state, go_backwards=layer.go_backwards)
    return keras.layers.Bidirectional(inner, merge_mode=merge_mode, backward_layer=other)


def _one_way(layer: Recurrent, return_state: bool, *, go_backwards: bool) -> keras.layers.Layer:
    options = {
        "return_sequences": layer.sequences,
        "return_state": return_state,
        "go_backwards": go_backwards,
        "unroll": layer.unroll,
        "stateful": layer.stateful,
        "zero_output_for_mask": layer.zero_output_for_mask,
    }
    if not layer.as_cell:
        return LAYERS[layer.cells[0].kind](**_cell_options(layer.cells[0]), **options)
    made = [_cell(cell) for cell in layer.cells]
    return keras.layers.RNN(made[0] if len(made) == 1 else keras.layers.StackedRNNCells(made), **options)


def _cell(cell: Cell) -> keras.layers.Layer:
    if cell.kind == "custom":
        return LeakyCell(cell.units)
    kinds = {"simple": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
    return kinds[cell.kind](**_cell_options(cell))


def _cell_options(cell: Cell) -> dict[str, Any]:
    options: dict[str, Any] = {"units": cell.units, "activation": cell.activation, "use_bias": cell.use_bias}
    if cell.kind != "simple":
        options["recurrent_activation"] = cell.recurrent_activation
    if cell.kind == "gru":
        options["reset_after"] = cell.reset_after
    if cell.dropout:
        options |= {"dropout": 0.3, "recurrent_dropout": 0.2}
    return options


def _heads(description: Architecture, x: Tensor) -> list[Tensor]:
    if "attention" in description.head:
        kinds = {"attention": keras.layers.Attention, "additive_attention": keras.layers.AdditiveAttention}
        attended = kinds[description.head]()([x, x])
        x = keras.layers.Concatenate()([x, attended])
    first = x
    for layer in _head(description):
        first = layer(first)
    return [first, keras.layers.Dense(2, activation="tanh")(x)] if description.second_output else [first]


def _head(description: Architecture) -> list[keras.layers.Layer]:
    heads: dict[str, list[Any]] = {
        "last": [],
        "sequence": [],
        "time_dense": [keras.layers.TimeDistributed(keras.layers.Dense(3))],
        "average": [keras.layers.GlobalAveragePooling1D()],
        "max": [keras.layers.GlobalMaxPooling1D()],
        "repeat": [keras.layers.RepeatVector(3), keras.layers.GRU(3, return_sequences=True)],
    }
    out = list(heads.get(description.head, []))
    if description.head not in ("sequence", "time_dense"):
        out.append(keras.layers.Dense(2, activation="sigmoid"))
    return out


def _front(branch: Branch) -> list[keras.layers.Layer]:
    if branch.kind == "ids":
        first = [keras.layers.Embedding(ID_COUNT, branch.width, mask_zero=branch.mask)]
    else:
        first = [keras.layers.Masking(branch.mask_value)] if branch.mask else []
    return first + [_plain(name) for name in branch.front]


def _plain(name: str) -> keras.layers.Layer:
    makers = {
        "dense": lambda: keras.layers.Dense(4, activation="tanh"),
        "time_dense": lambda: keras.layers.TimeDistributed(keras.layers.Dense(3)),
        "layer_norm": lambda: keras.layers.LayerNormalization(epsilon=0.1),  # the default enlarges rounding 30 times
        "batch_norm": keras.layers.BatchNormalization,
        "dropout": lambda: keras.layers.Dropout(0.4),
        "relu": lambda: keras.layers.Activation("relu"),
        "conv_causal": lambda: keras.layers.Conv1D(4, 3, padding="causal"),
        "conv_same": lambda: keras.layers.Conv1D(3, 2, padding="same", activation="relu"),
    }
    return makers[name]()


def _join(description: Architecture, tensors: list[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    if description.join == "concat":
        return keras.layers.Concatenate()(tensors)
    widest = max(tensor.shape[-1] for tensor in tensors)
    alike = [tensor if tensor.shape[-1] == widest else keras.layers.Dense(widest)(tensor) for tensor in tensors]
    return keras.layers.Add()(alike)


def _input(description: Architecture, name: str, *axes: int | None, dtype: str = "float32") -> Tensor:
    return keras.Input(batch_shape=(description.batch or None, *axes), dtype=dtype, name=name)


def _axes(branch: Branch) -> tuple[int, ...]:
    return () if branch.kind == "ids" else (branch.width,)


def _width_after(layer: Recurrent) -> int:
    width = layer.cells[-1].units * (2 if layer.merge in ("concat", "apart") else 1)
    for name in layer.after:
        width = {"dense": 4, "time_dense": 3}.get(name, width)
    return width
