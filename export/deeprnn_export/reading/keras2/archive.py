"""Read the weights of a ``.keras`` file of Keras 2.12 to 2.15: ``model.weights.h5``, a tree of attributes."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import h5py
import keras
import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_export.reading.keras2.cudnn import GATES
from deeprnn_export.reading.keras2.layers import name_of
from deeprnn_export.reading.keras2.weights import Leaf, assign_all, is_model, leaf_of, pairs, wrapped
from deeprnn_export.tracing.keras_internals import own_variables

# What the layers of a model are kept under: to Keras 2.14, and from 2.15.
CONTAINERS = ("_layer_checkpoint_dependencies", "layers")


def assign_archive_weights(node: dict[str, Any], model: keras.Model, file: h5py.File) -> None:
    """Read the tree.

    Args:
        node: Keras 2's config of the model.

    Raises:
        InputError: for weights that are missing, left over or of another shape; it names the layer.
    """
    assign_all(_read(node, model, file), model)


def _read(node: dict[str, Any], layer: keras.layers.Layer, group: h5py.Group) -> list[Leaf]:
    """Read the leaves of a model, a wrapper or a layer."""
    if is_model(node, layer):
        return _read_model(node, layer, group)
    leaves: list[Leaf] = []
    inside = wrapped(node, layer)
    for attribute, entry, child in inside:
        if child.weights:
            leaves += _read(entry, child, _child(group, attribute, name_of(node)))
    if inside:
        return leaves
    if node["class_name"] in GATES:  # its weights are its own; an LSTM's are its cell's
        return [_filled(leaf_of(node, layer), group)]
    return _read_object(name_of(node) or layer.name, layer, group)


def _read_model(node: dict[str, Any], model: keras.Model, group: h5py.Group) -> list[Leaf]:
    """Read the groups of a model's layers, named after their classes and numbered in the layers' order.

    keras/saving/saving_lib.py, ``_save_container_state``; Keras to 2.14 counts a layer with weights twice, so that
    only the order of the numbers tells which is whose.
    """
    container: Any = next((group[name] for name in CONTAINERS if name in group), {})
    stored = _numbered(container)
    leaves: list[Leaf] = []
    taken: dict[str, int] = defaultdict(int)
    for entry, layer in pairs(node, model):
        if not layer.weights:
            continue
        kind = snake_case(entry["class_name"].rsplit(">", 1)[-1])
        if taken[kind] >= len(stored.get(kind, [])):
            raise InputError(f"the file has no weights for the layer {name_of(entry)!r} ({entry['class_name']})")
        leaves += _read(entry, layer, stored[kind][taken[kind]])
        taken[kind] += 1
    for kind, groups in stored.items():
        if len(groups) > taken[kind]:
            raise InputError(f"the file has weights of {len(groups)} layers {kind!r}, its model has {taken[kind]}")
    return leaves


def _read_object(name: str, layer: keras.layers.Layer, group: h5py.Group) -> list[Leaf]:
    """Read a layer's own weights and those of the layers in its attributes, such as ``cell`` and ``cell/cells``."""
    leaves: list[Leaf] = []
    own = [variable for variable in own_variables(layer) if variable.name not in ("rnn_state", "seed_generator_state")]
    if own:
        leaves.append(_filled(Leaf(name, type(layer).__name__, layer, own), group))
    for attribute, child in group.items():
        if attribute == "vars" or not _holds_weights(child):
            continue
        part = getattr(layer, attribute, None)
        if isinstance(part, keras.layers.Layer):
            leaves += _read_object(f"{name}/{attribute}", part, child)
        elif isinstance(part, list | tuple):
            leaves += _read_list(f"{name}/{attribute}", part, child)
        else:
            raise InputError(
                f"layer {name!r}: the file has weights of its {attribute!r}, which the layer does not have"
            )
    return leaves


def _read_list(name: str, parts: Any, group: h5py.Group) -> list[Leaf]:
    stored = _numbered(group)
    leaves: list[Leaf] = []
    for part in parts:
        kind = snake_case(type(part).__name__)
        if not isinstance(part, keras.layers.Layer) or not part.weights:
            continue
        if not stored.get(kind):
            raise InputError(f"the file has no weights for a {type(part).__name__} of {name!r}")
        leaves += _read_object(f"{name}/{kind}", part, stored[kind].pop(0))
    return leaves


def _filled(leaf: Leaf, group: h5py.Group) -> Leaf:
    stored = _child(group, "vars", leaf.name)
    if len(stored) != len(leaf.variables):
        raise InputError(f"layer {leaf.name!r}: expected {len(leaf.variables)} weights, the file has {len(stored)}")
    keys = sorted(stored, key=int)
    leaf.arrays = {id(variable): np.asarray(stored[key]) for variable, key in zip(leaf.variables, keys, strict=True)}
    return leaf


def _numbered(container: Any) -> dict[str, list[h5py.Group]]:
    """List the groups that hold weights, by class, in the order of their numbers: ``lstm``, ``lstm_1``, ..."""
    found: dict[str, list[tuple[int, h5py.Group]]] = defaultdict(list)
    for name, group in container.items():
        if _holds_weights(group):
            kind, number = re.fullmatch(r"(.*?)(?:_(\d+))?", name).groups()  # type: ignore[union-attr]
            found[kind].append((int(number or 0), group))
    return {kind: [group for _, group in sorted(groups, key=lambda item: item[0])] for kind, groups in found.items()}


def _holds_weights(group: Any) -> bool:
    return isinstance(group, h5py.Dataset) or any(_holds_weights(child) for child in group.values())


def _child(group: h5py.Group, name: str, layer: str | None) -> h5py.Group:
    if name not in group:
        raise InputError(f"layer {layer!r}: the file has no weights {group.name}/{name}")
    return group[name]


def snake_case(name: str) -> str:
    """Write a class's name as Keras does: keras/utils/generic_utils.py, ``to_snake_case``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
