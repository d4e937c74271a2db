"""Inputs for a described model, and Keras's own answers to them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tests.support.random_models.descriptions import Architecture, Branch, Recurrent

ID_COUNT = 11


def random_inputs(
    description: Architecture, random: np.random.Generator, *, batch: int, steps: int = 0, padded: bool = False
) -> list[NDArray[Any]]:
    """Inputs in the model's order; ``padded``: rows padded before, behind, inside, wholly, where there is a mask."""
    steps = steps or description.steps
    inputs: list[NDArray[Any]] = []
    for branch in description.branches:
        missing = ~_present(random, batch, steps) if padded and branch.mask else np.zeros((batch, steps), bool)
        if branch.kind == "ids":
            lowest = 1 if branch.mask else 0
            values = random.integers(lowest, ID_COUNT, (batch, steps)).astype(id_dtype(branch))
            values[missing] = 0
        else:
            values = random.standard_normal((batch, steps, branch.width)).astype(np.float32)
            values[missing] = branch.mask_value
        inputs.append(values)
    if description.explicit_mask:
        inputs.append(_present(random, batch, steps) if padded else np.ones((batch, steps), bool))
    for layer in description.layers:
        if layer.start == "input":
            inputs += [random.normal(0, 0.5, (batch, size)).astype(np.float32) for size in state_sizes(layer)]
    return inputs


def answers(model: keras.Model, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Keras's own outputs, from the eager call and from states of zero."""
    reset_states(model)
    outputs = model(as_one([keras.ops.convert_to_tensor(value) for value in inputs]), training=False)
    reset_states(model)
    return [np.asarray(keras.ops.convert_to_numpy(output)) for output in keras.tree.flatten(outputs)]


def reset_states(model: keras.Model) -> None:
    """The states of stateful layers back to zero."""
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            for state in keras.tree.flatten(layer.states):  # reset_state fails on those of StackedRNNCells
                state.assign(keras.ops.zeros_like(state.value))


def as_one(inputs: list[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs


def id_dtype(branch: Branch) -> str:
    return branch.dtype if branch.kind == "ids" else "float32"


def state_sizes(layer: Recurrent) -> list[int]:
    (cell,) = layer.cells
    return [cell.units] * (2 if cell.kind in ("lstm", "custom") else 1) * (1 if layer.merge == "no" else 2)


def _present(random: np.random.Generator, batch: int, steps: int) -> NDArray[np.bool_]:
    present = np.ones((batch, steps), bool)
    first = int(random.integers(5))  # so that a batch of one row meets every kind of padding, too
    for row in range(batch):
        count = int(random.integers(1, steps)) if steps > 1 else 0
        kind = (row + first) % 5
        if kind == 1:
            present[row, :count] = False
        elif kind == 2:
            present[row, steps - count :] = False
        elif kind == 3:
            present[row] = random.random(steps) > 0.4
        elif kind == 4:
            present[row] = False
    return present
