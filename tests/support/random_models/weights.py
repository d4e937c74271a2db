"""Random weights for a described model: none of them zero, and no value that grows beyond order 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tests.support.random_models.descriptions import Architecture
from tests.support.random_models.inputs import answers, random_inputs

LARGEST = 4.0  # float32 keeps 1e-5 only for values of order 1
LONGEST = 40  # steps of the longest sequence that export tries where time is free


def randomise(model: keras.Model, description: Architecture) -> None:
    """Every weight random and not zero, of a size that neither dies nor grows from layer to layer."""
    random = np.random.default_rng(description.seed)
    gain = 0.3 if _is_unstable(description) else 0.8
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        if "seed_generator" in weight.path or "rnn_state" in name:
            continue
        values = random.standard_normal(weight.shape)
        if name in ("gamma", "moving_variance", "scale"):
            values = 1 + 0.3 * np.tanh(values)
        elif name == "embeddings":
            values *= 0.8
        elif "bias" in name or len(weight.shape) < 2:
            values *= 0.3
        else:
            values *= gain / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign(values)


def tame(model: keras.Model, description: Architecture) -> None:
    """Smaller weights until nothing is large: some activations grow from step to step without end."""
    random = np.random.default_rng(description.seed)
    steps = LONGEST if description.free_time and description.form != "subclassed" else description.steps
    inputs = [
        random_inputs(description, random, batch=description.batch or 32, steps=steps, padded=padded)
        for padded in ((False, True) if description.batch else (True,))
    ]
    # A margin for rows that are larger than these.
    inputs = [
        [value * 1.5 if value.dtype == np.float32 and value.ndim == 3 else value for value in one] for one in inputs
    ]
    for _ in range(12):
        if all(_largest(model, values) <= LARGEST for values in inputs):  # false for NaN, too
            return
        for weight in model.weights:
            if "kernel" in weight.path or "bias" in weight.path:
                weight.assign(weight.value * 0.6)


def _is_unstable(description: Architecture) -> bool:
    """Whether a gate may be above 1, which lets a state grow from step to step."""
    gates = {cell.recurrent_activation for layer in description.layers for cell in layer.cells}
    return not gates <= {"sigmoid", "hard_sigmoid", "tanh", "softsign", "softmax", "sparse_sigmoid", "hard_tanh"}


def _largest(model: keras.Model, inputs: list[NDArray[Any]]) -> float:
    """The largest value among the model's answers and those of its recurrent layers."""
    seen: list[Any] = []

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any, **options: Any) -> Any:
            outputs = call(*arguments, **options)
            seen.extend(keras.tree.flatten(outputs))
            return outputs

        return record

    layers = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, keras.layers.RNN)]
    for layer in layers:
        layer.__dict__["call"] = watched(layer.call)
    try:
        ends = answers(model, inputs)
    finally:
        for layer in layers:
            del layer.__dict__["call"]
    # The mean over a row of padding alone is not a number, whatever the weights.
    ends = [np.nan_to_num(end, posinf=np.inf, neginf=np.inf) for end in ends]
    return float(np.max([np.abs(value).max() for value in [*map(keras.ops.convert_to_numpy, seen), *ends]]))
