"""One row of the conformance table: a model, and what has to become of it in each format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import keras

from tests.support.keras_models import CELLS, randomised

STEPS = 5
UNITS = 4
FEATURES = 4
WORDS = 20  # rows of every embedding

# native: without Loop, Scan and If. loop: exact through a Loop. unrolled: exact, each step written out.
OnnxOutcome = Literal["native", "loop", "unrolled", "refused"]
TFLiteOutcome = Literal["exact", "refused"]


@dataclass(frozen=True)
class Row:
    """A model and its outcomes.

    group, option: where it stands in the matrix of supported models; the rows of one option share a line there,
        which lists their names where the option ends in a colon.
    name: what tells rows of one option apart.
    cell: ``rnn``, ``lstm`` or ``gru``; empty for a cell that is none of the three.
    nodes: how many recurrent nodes the ONNX file has, where that is worth holding.
    length: time steps of the export, where the model leaves them open.
    scale: of the random weights; small where an activation grows without bound.
    example: an input for it, where it declares none.
    twin: the model that the export has to equal, where it is not this one.
    repeats: whether Keras answers the same twice here; not where it needs a GPU, or draws random numbers.
    blames: what a refusal has to name.
    reason: of a refusal, for the matrix.
    """

    group: str
    option: str
    cell: str
    build: Callable[[], keras.Model]
    name: str = ""
    onnx: OnnxOutcome = "native"
    tflite: TFLiteOutcome = "exact"
    nodes: int | None = None
    length: int | None = None
    scale: float = 0.7
    example: Any = None
    twin: Callable[[], keras.Model] | None = None
    repeats: bool = True
    blames: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.group, self.option.replace("`", "").rstrip(":"), self.name, self.cell]))


def weighted(build: Callable[[], keras.Model], scale: float) -> keras.Model:
    """A model with random weights; a variance stays positive, as training leaves it."""
    model = randomised(build(), scale=scale)
    for weight in model.weights:
        if weight.path.endswith("moving_variance"):
            weight.assign(keras.ops.abs(weight) + 0.5)
    return model


def each_cell(
    group: str,
    option: str,
    build: Callable[[str], keras.Model],
    *,
    cells: Sequence[str] = tuple(CELLS),
    twin: Callable[[str], keras.Model] | None = None,
    **fields: Any,
) -> list[Row]:
    """The same option for several cells: ``build`` and ``twin`` get the cell's name."""
    return [
        Row(group, option, cell, partial(build, cell), twin=twin and partial(twin, cell), **fields) for cell in cells
    ]


def in_turn(*variants: list[Row]) -> list[Row]:
    """One row of each variant, the cells taking turns, so that each cell is there: a row takes two seconds."""
    turns = max(len(variants), len(CELLS))
    return [variants[turn % len(variants)][turn % len(CELLS)] for turn in range(turns)]


def tokens(
    *layers: keras.layers.Layer, mask: bool = False, steps: int | None = STEPS, dtype: str = "int32"
) -> keras.Model:
    """Ids through an embedding and the layers to one probability."""
    return keras.Sequential(
        [
            keras.Input((steps,), dtype=dtype, name="tokens"),
            keras.layers.Embedding(WORDS, FEATURES, mask_zero=mask),
            *layers,
            keras.layers.Dense(1, activation="sigmoid", name="probability"),
        ]
    )


def features(*layers: keras.layers.Layer, mask: float | None = None, steps: int | None = STEPS) -> keras.Model:
    """Feature vectors through the layers, whose output is the model's."""
    masking = [] if mask is None else [keras.layers.Masking(mask)]
    return keras.Sequential([keras.Input((steps, FEATURES), name="features"), *masking, *layers])


def stack(cell: str, depth: int, **options: Any) -> list[keras.layers.Layer]:
    """Recurrent layers on top of each other, the last one without its sequence."""
    return [CELLS[cell](UNITS, return_sequences=layer < depth - 1, **options) for layer in range(depth)]


def embedded(name: str = "tokens", *, mask: bool = True, steps: int | None = STEPS) -> tuple[Any, Any]:
    """An input of ids, and its embedding."""
    ids = keras.Input((steps,), dtype="int32", name=name)
    return ids, keras.layers.Embedding(WORDS, FEATURES, mask_zero=mask)(ids)
