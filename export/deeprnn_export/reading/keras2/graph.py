"""Translate the calls between the layers of a functional model: from Keras 2's nested lists to Keras 3's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deeprnn_edge.errors import UnsupportedModelError

MODELS = ("Sequential", "Functional", "Model")


def translate_graph(
    config: dict[str, Any], layers: list[dict[str, Any]], *, recurrent: frozenset[str]
) -> dict[str, Any]:
    """Translate the keys of a functional model's config that tie its layers together.

    Args:
        config: Keras 2's.
        layers: the same layers as ``config["layers"]``, each translated already.
        recurrent: the names of the layers whose further inputs are their initial state: Keras 2 records it so
            (``RNN.__call__``), Keras 3 as an argument.

    Raises:
        UnsupportedModelError: for a call that Keras 3 cannot make; it names the layer.
    """
    entries = config["layers"]
    shifts = {layer["name"]: _shift(layer, config) for layer in entries if layer["class_name"] in MODELS}
    functional = {layer["name"] for layer in layers if layer["class_name"] == "Functional"}
    names = {layer["name"] for layer in entries}
    return {
        "layers": [
            {
                **layer,
                "inbound_nodes": [
                    _translate_node(entry, node, names, shifts, with_state=entry["name"] in recurrent)
                    for node in entry["inbound_nodes"]
                ],
            }
            for layer, entry in zip(layers, entries, strict=True)
        ],
        "input_layers": _translate_ends(config["input_layers"], shifts, functional),
        "output_layers": _translate_ends(config["output_layers"], shifts, functional),
    }


def _translate_node(
    entry: dict[str, Any], node: Any, names: set[str], shifts: dict[str, int], *, with_state: bool
) -> dict[str, Any]:
    """Translate one call: ``[[layer, node, tensor, {arguments}], ...]``, or one such leaf without the outer list."""
    if isinstance(node, list) and node and isinstance(node[0], str):
        node = [node]
    if not isinstance(node, list) or not all(_is_leaf(leaf, names) for leaf in node):
        raise UnsupportedModelError(
            f"layer {entry['name']!r} is called on a nested structure, which only its own Keras 2 can read; "
            "call it on a list of tensors and save the model again"
        )
    options = node[0][3] if len(node[0]) > 3 and node[0][3] else {}
    arguments = {
        name: _translate_argument(value, names, shifts)
        for name, value in options.items()
        if value is not None and name != "name"
    }
    tensors = [_tensor(leaf, shifts) for leaf in node]
    if len(tensors) > 1 and with_state:
        arguments["initial_state"] = tensors[1:]
        tensors = tensors[:1]
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": arguments}


def _translate_argument(value: Any, names: set[str], shifts: dict[str, int]) -> Any:
    if isinstance(value, list) and len(value) == 3 and value[0] == "_CONSTANT_VALUE":
        return value[2]
    if _is_leaf(value, names):
        return _tensor(value, shifts)
    if isinstance(value, list):
        return [_translate_argument(item, names, shifts) for item in value]
    return value


def _translate_ends(ends: Any, shifts: dict[str, int], functional: set[str]) -> Any:
    """Translate inputs or outputs: Keras 2 takes a list of one tensor for that tensor alone."""
    if isinstance(ends, dict):
        return {name: _translate_ends(end, shifts, functional) for name, end in ends.items()}
    if isinstance(ends[0], str):
        name, node, tensor = ends[:3]
        # keras/src/models/functional.py: get_tensor takes one off the node of a nested functional model.
        return [name, node - shifts.get(name, 0) + (name in functional), tensor]
    if len(ends) == 1:
        return _translate_ends(ends[0], shifts, functional)
    return [_translate_ends(end, shifts, functional) for end in ends]


def _tensor(leaf: list[Any], shifts: dict[str, int]) -> dict[str, Any]:
    """Write Keras 3's mark of a tensor; only its history is read."""
    name, node, tensor = leaf[:3]
    history = [name, node - shifts.get(name, 0), tensor]
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": history}}


def _shift(layer: dict[str, Any], config: dict[str, Any]) -> int:
    """Count the calls of a nested model that the file has before the first: one for the call that made the model.

    Keras 2 counts it for a model that was built by itself, and not for one that its first call built. Each counted
    call inside the file is referred to, so the lowest number tells.
    """
    leaves = (*_leaves([entry["inbound_nodes"] for entry in config["layers"]]), *_leaves(config["output_layers"]))
    return min((leaf[1] for leaf in leaves if leaf[0] == layer["name"]), default=0)


def _is_leaf(value: Any, names: set[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )


def _leaves(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int) and isinstance(value[2], int):
            yield value
        for item in value:
            yield from _leaves(item)
