"""Read the weights of an HDF5 file of Keras 2: one group per layer, its arrays in Keras 2's order of weights."""

from __future__ import annotations

import re
from typing import Any

import h5py
import keras
import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_export.reading.keras2.weights import Leaf, Slot, assign_all, pairs, slots

# Names that Keras 2 and Keras 3 give the same weights: where both have one of them, they have to agree.
SHARED_NAMES = frozenset(
    ("kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "embeddings")
)


def assign_h5_weights(node: dict[str, Any], model: keras.Model, file: h5py.File) -> None:
    """Read ``model_weights``.

    Args:
        node: Keras 2's config of the model.

    Raises:
        InputError: for weights that are missing, left over, or of another shape or name; it names the layer.
    """
    group = _group(file, "model_weights")
    names = read_names(group, "layer_names")
    if read_names(group.get("top_level_model_weights", {}), "weight_names"):
        raise InputError("the model has weights of its own, outside its layers, which belong to a class of the user's")
    leaves: list[Leaf] = []
    for name, (entry, layer) in _by_name(names, pairs(node, model)):
        first, second = slots(entry, layer)
        leaves += _fill(name, first + second, _group(group, name))
    assign_all(leaves, model)


def read_names(group: Any, name: str) -> list[str]:
    """Read a list of names; Keras splits one that is too long for an attribute into several, numbered from 0."""
    attributes = getattr(group, "attrs", {})
    chunks = [name] if name in attributes else []
    while f"{name}{len(chunks)}" in attributes and name not in attributes:
        chunks.append(f"{name}{len(chunks)}")
    values = [value for chunk in chunks for value in attributes[chunk]]
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def _by_name(names: list[str], found: list[Any]) -> list[tuple[str, Any]]:
    """Pair each group's name with its layer; by place for a Sequential of before Keras 2.2.3 within one: no name."""
    known = {
        entry["config"]["name"] if isinstance(entry["config"], dict) else None: (entry, layer) for entry, layer in found
    }
    if None not in known:
        missing = [name for name in names if name not in known]
        if missing:
            raise InputError(f"the file has weights of the layer {missing[0]!r}, which its model does not have")
        return [(name, known[name]) for name in names]
    if len(names) != len(found):
        raise InputError(f"the file has weights of {len(names)} layers, its model has {len(found)}")
    return list(zip(names, found, strict=True))


def _fill(name: str, places: list[Slot], group: h5py.Group) -> list[Leaf]:
    stored = read_names(group, "weight_names")
    if len(stored) != len(places):
        raise InputError(f"layer {name!r}: expected {len(places)} weights, the file has {len(stored)}")
    leaves: dict[int, Leaf] = {}
    for slot, path in zip(_matched(places, stored) or places, stored, strict=True):
        if {_weight(path), slot.variable.name} <= SHARED_NAMES and _weight(path) != slot.variable.name:
            raise InputError(
                f"layer {name!r}: expected {slot.variable.path!r}, the file has {path!r} in its place; "
                "make all of the model trainable in the Keras that wrote it, and save it again"
            )
        if path not in group:
            raise InputError(f"layer {name!r}: the file lists the weight {path!r} and does not have it; it is damaged")
        slot.leaf.arrays[id(slot.variable)] = np.asarray(group[path])
        leaves[id(slot.leaf)] = slot.leaf
    return list(leaves.values())


def _matched(places: list[Slot], stored: list[str]) -> list[Slot] | None:
    """Find the place of each stored name, ``.../layer/.../kernel:0``; None unless the names tell every one apart.

    Keras itself (to 2.3) does not record that a model within was frozen, and then saves its weights last.
    """
    found = []
    for path in stored:
        parts = path.split("/")
        candidates = [slot for slot in places if slot.leaf.name in parts and slot.variable.name == _weight(path)]
        if len(candidates) != 1:
            return None
        found += candidates
    return found if len({id(slot) for slot in found}) == len(places) else None


def _weight(path: str) -> str:
    """Return ``kernel`` of ``lstm/lstm_cell/kernel_1:0``."""
    return re.sub(r"(_\d+)?(:\d+)?$", "", path.rsplit("/", 1)[-1])


def _group(parent: Any, name: str) -> h5py.Group:
    if name not in parent or not isinstance(parent[name], h5py.Group):
        raise InputError(f"the file has no group {name!r}; it is damaged or no model of Keras")
    return parent[name]
