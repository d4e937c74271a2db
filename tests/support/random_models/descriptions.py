"""Architectures as plain values: what a description says, and which combinations are a model.

Every default is the simplest choice, which is what a shrunk architecture falls back to. ``settled``
makes any combination of choices a valid model, so that nothing that is drawn has to be thrown away.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass, replace
from typing import Any, Literal

NATIVE_ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear", "hard_sigmoid", "softsign", "softplus", "elu", "leaky_relu")
ACTIVATIONS = (
    *NATIVE_ACTIVATIONS,
    *("selu", "gelu", "silu", "mish", "exponential", "relu6", "hard_silu", "hard_tanh", "celu", "tanh_shrink"),
    *("soft_shrink", "log_sigmoid", "squareplus", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax"),
)
FRONTS = ("dense", "layer_norm", "batch_norm", "dropout", "conv_causal", "conv_same")
AFTER = ("layer_norm", "batch_norm", "dropout", "dense", "relu", "time_dense")
ALONG_TIME = ("time_dense", "conv_causal", "conv_same")
SEQUENCE_HEADS = ("sequence", "time_dense", "dense_sequence", "average", "max", "attention", "additive_attention")
HEADS = ("last", *SEQUENCE_HEADS, "repeat")


@dataclass(frozen=True)
class Cell:
    """One cell; ``custom`` is a class that Keras does not have."""

    kind: Literal["simple", "lstm", "gru", "custom"] = "simple"
    units: int = 1
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    reset_after: bool = True
    dropout: bool = False


@dataclass(frozen=True)
class Recurrent:
    """One recurrent layer, and what stands around it.

    cells: more than one are StackedRNNCells.
    as_cell: ``RNN(cell)`` instead of the cell's own layer.
    merge: the merge mode of a Bidirectional, ``apart`` for None; ``no`` is one direction.
    start: where the initial state comes from: zeros, the previous layer's final state, or inputs.
    twice: the layer is called on two tensors, and the answers averaged.
    sequences: what ``settled`` found out about return_sequences.
    """

    cells: tuple[Cell, ...] = (Cell(),)
    as_cell: bool = False
    merge: Literal["no", "concat", "sum", "mul", "ave", "apart"] = "no"
    go_backwards: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False
    stateful: bool = False
    start: Literal["zeros", "previous", "input"] = "zeros"
    residual: bool = False
    nested: bool = False
    twice: bool = False
    after: tuple[str, ...] = ()
    sequences: bool = False


@dataclass(frozen=True)
class Branch:
    """One input of steps and what stands before the branches meet. ``mask``: mask_zero, or a Masking layer."""

    kind: Literal["features", "ids"] = "features"
    dtype: Literal["float32", "int32", "int64"] = "float32"
    width: int = 1
    mask: bool = False
    mask_value: float = 0.0
    front: tuple[str, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A whole model. ``batch`` 0 leaves it free; ``seed`` is that of the weights."""

    branches: tuple[Branch, ...] = (Branch(),)
    join: Literal["concat", "add"] = "concat"
    explicit_mask: bool = False
    steps: int = 1
    free_time: bool = False
    batch: int = 0
    layers: tuple[Recurrent, ...] = (Recurrent(),)
    head: str = "last"
    states_out: bool = False
    second_output: bool = False
    form: Literal["functional", "sequential", "subclassed"] = "functional"
    seed: int = 0


def to_json(description: Architecture) -> str:
    """The description as text to keep, without what is at its default."""
    return json.dumps(_without_defaults(description), indent=1) + "\n"


def from_json(text: str) -> Architecture:
    """A description that was kept."""
    description: Architecture = _decoded(Architecture, json.loads(text))
    return description


def settled(description: Architecture) -> Architecture:
    """The nearest description that is a valid model; the same for one that is."""
    if description.form == "sequential":
        description = _without_forks(description)
    layers: list[Recurrent] = []
    for index, layer in enumerate(description.layers):
        sequences = index < len(description.layers) - 1 or description.head in SEQUENCE_HEADS
        previous = layers[-1] if layers else None
        if previous is not None and not _gives_states(previous):
            previous = None
        layers.append(_settled_layer(layer, previous, sequences=sequences, free_time=description.free_time))
    return replace(
        description,
        branches=tuple(_settled_branch(branch) for branch in description.branches),
        join="concat" if len(description.branches) == 1 else description.join,
        layers=tuple(layers),
        batch=(description.batch or 1) if any(layer.stateful for layer in layers) else description.batch,
        states_out=description.states_out and _gives_states(layers[-1]),
    )


def is_chain(description: Architecture) -> bool:
    """Whether each layer takes nothing but the one before it."""
    forks = (layer.residual or layer.twice or layer.start != "zeros" for layer in description.layers)
    apart = (layer.merge == "apart" and not layer.nested for layer in description.layers)
    outputs = description.states_out or description.second_output or "attention" in description.head
    return not (len(description.branches) > 1 or description.explicit_mask or outputs or any(forks) or any(apart))


def _without_forks(description: Architecture) -> Architecture:
    layers = [
        replace(
            layer, residual=False, twice=False, start="zeros", merge="concat" if layer.merge == "apart" else layer.merge
        )
        for layer in description.layers
    ]
    return replace(
        description,
        branches=description.branches[:1],
        explicit_mask=False,
        layers=tuple(layers),
        head="average" if "attention" in description.head else description.head,
        states_out=False,
        second_output=False,
    )


def _settled_layer(layer: Recurrent, previous: Recurrent | None, *, sequences: bool, free_time: bool) -> Recurrent:
    cells = tuple(_settled_cell(cell) for cell in layer.cells)
    start = layer.start
    if len(cells) > 1 or layer.stateful or (start == "previous" and not _fits(previous, cells, layer.merge)):
        start = "zeros"
    return replace(
        layer,
        cells=cells,
        as_cell=layer.as_cell or len(cells) > 1 or cells[0].kind == "custom",
        unroll=layer.unroll and not free_time,
        start=start,
        twice=layer.twice and start == "zeros" and not layer.stateful,
        nested=layer.nested and start == "zeros" and not layer.twice,
        residual=layer.residual and sequences,
        after=layer.after if sequences else tuple(name for name in layer.after if name not in ALONG_TIME),
        sequences=sequences,
    )


def _gives_states(layer: Recurrent) -> bool:
    """Whether a layer can return its final states: a stateful Bidirectional raises TypeError (Keras 3.15)."""
    return len(layer.cells) == 1 and not (layer.nested or layer.twice or (layer.stateful and layer.merge != "no"))


def _fits(previous: Recurrent | None, cells: tuple[Cell, ...], merge: str) -> bool:
    """Whether the previous layer's final states can be this layer's initial ones."""
    if previous is None:
        return False
    (before,) = previous.cells
    same = (before.kind, before.units) == (cells[0].kind, cells[0].units)
    return same and (previous.merge == "no") == (merge == "no")


def _settled_cell(cell: Cell) -> Cell:
    if cell.kind == "custom":
        return Cell("custom", cell.units)
    recurrent_activation = "sigmoid" if cell.kind == "simple" else cell.recurrent_activation
    over_units = any("softmax" in name for name in (cell.activation, recurrent_activation))
    return replace(
        cell,
        units=max(2, cell.units) if over_units else cell.units,  # of one value, it is constant, and Keras warns
        recurrent_activation=recurrent_activation,
        reset_after=cell.reset_after or cell.kind != "gru",
    )


def _settled_branch(branch: Branch) -> Branch:
    if branch.kind == "features":
        return replace(branch, dtype="float32", mask_value=branch.mask_value if branch.mask else 0.0)
    return replace(branch, mask_value=0.0)


def _without_defaults(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _without_defaults(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
    return [_without_defaults(item) for item in value] if isinstance(value, tuple) else value


def _decoded(kind: Any, raw: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _decoded(hints[name], value) for name, value in raw.items()})
    return tuple(_decoded(typing.get_args(kind)[0], item) for item in raw) if isinstance(raw, list) else raw
