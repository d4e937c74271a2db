"""Put the weights of Keras 2's files into a Keras 3 model: every one, of the right shape, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_export.reading.keras2.config import layers_of_config
from deeprnn_export.reading.keras2.cudnn import from_cudnn
from deeprnn_export.tracing.keras_internals import own_variables
from deeprnn_export.tracing.overrides import layer_paths

Variable = Any  # keras.Variable


@dataclass
class Leaf:
    """Hold a layer that has weights itself, and the arrays that a file has for them, by the variable's ``id``."""

    name: str
    kind: str  # Keras 2's class
    layer: keras.layers.Layer
    variables: list[Variable]
    arrays: dict[int, np.ndarray[Any, Any]] = field(default_factory=dict)

    def assign(self) -> None:
        """Assign the arrays, all or none.

        Raises:
            InputError: for arrays that do not fit.
        """
        arrays = from_cudnn(self.kind, [self.arrays[id(variable)] for variable in self.variables])
        expected, came = [tuple(v.shape) for v in self.variables], [tuple(array.shape) for array in arrays]
        if expected != came:
            raise InputError(
                f"layer {self.name!r} ({self.kind}): expected weights of the shapes {expected}, got {came}"
            )
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)


@dataclass(frozen=True)
class Slot:
    """Hold one place in the order in which Keras 2 saved weights."""

    leaf: Leaf
    variable: Variable


def pairs(node: dict[str, Any], model: keras.Model) -> list[tuple[dict[str, Any], keras.layers.Layer]]:
    """Pair the layers of Keras 2's config with those of the model made of it; without a Sequential's input."""
    entries = layers_of_config(node)
    if node["class_name"] != "Sequential":
        return [(entry, model.get_layer(entry["name"])) for entry in entries]
    entries = [entry for entry in entries if entry["class_name"] != "InputLayer"]
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return list(zip(entries, layers, strict=True))


def is_model(node: dict[str, Any], layer: keras.layers.Layer) -> bool:
    """Return whether a layer is a model whose layers the config lists."""
    return isinstance(layer, keras.Sequential) or (
        isinstance(layer, keras.Model) and isinstance(node["config"], dict) and "input_layers" in node["config"]
    )


def wrapped(node: dict[str, Any], layer: keras.layers.Layer) -> list[tuple[str, dict[str, Any], keras.layers.Layer]]:
    """List the layers inside one of Keras's wrappers: attribute, config and layer."""
    if isinstance(layer, keras.layers.Bidirectional):
        forward = node["config"]["layer"]
        backward = node["config"].get("backward_layer") or forward
        return [("forward_layer", forward, layer.forward_layer), ("backward_layer", backward, layer.backward_layer)]
    if isinstance(layer, keras.layers.TimeDistributed):
        return [("layer", node["config"]["layer"], layer.layer)]
    return []


def slots(node: dict[str, Any], layer: keras.layers.Layer) -> tuple[list[Slot], list[Slot]]:
    """List a layer's weights in Keras 2's order: those that train, then the others.

    keras/engine/network.py: a layer that is not to train gives all its weights, in that order, to the second list.
    """
    children = (
        pairs(node, layer) if is_model(node, layer) else [(inner, part) for _, inner, part in wrapped(node, layer)]
    )
    first: list[Slot] = []
    second: list[Slot] = []
    if children:
        for entry, child in children:
            inner_first, inner_second = slots(entry, child)
            first += inner_first
            second += inner_second
    else:
        leaf = leaf_of(node, layer)
        trains = _trainable_ids(layer)
        first = [Slot(leaf, variable) for variable in leaf.variables if id(variable) in trains]
        second = [Slot(leaf, variable) for variable in leaf.variables if id(variable) not in trains]
    config = node["config"] if isinstance(node["config"], dict) else {}
    return (first, second) if config.get("trainable", True) else ([], first + second)


def leaf_of(node: dict[str, Any], layer: keras.layers.Layer) -> Leaf:
    """Make the leaf of a layer with its weights; a stateful layer's states are no weights in Keras 2."""
    variables = [variable for variable in layer.weights if variable.name != "rnn_state"]
    return Leaf(layer.name, node["class_name"], layer, variables)


def assign_all(leaves: Iterator[Leaf] | list[Leaf], model: keras.Model) -> None:
    """Assign what was read.

    Raises:
        InputError: where a weight of the model is left over, which it names.
    """
    leaves = list(leaves)
    for leaf in leaves:
        leaf.assign()
    assigned = {id(variable) for leaf in leaves for variable in leaf.variables}
    left = [
        variable.path for variable in model.weights if id(variable) not in assigned and variable.name != "rnn_state"
    ]
    if left:
        raise InputError(f"the file has no weights for {', '.join(left[:5])}; it is damaged or of another model")


def _trainable_ids(layer: keras.layers.Layer) -> set[int]:
    """Return the ids of what trains where the layer may; ``Layer.trainable_weights`` is empty for one that may not."""
    return {id(one) for part in (layer, *layer_paths(layer)) for one in own_variables(part, trainable_only=True)}
