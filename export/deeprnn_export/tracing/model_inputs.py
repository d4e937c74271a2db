"""Tell what a model's ``call`` takes: tensors in a structure, and how to call it with a flat sequence of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.tracing.inference_form import is_stateful
from deeprnn_export.tracing.keras_internals import build_shapes, input_structure


@dataclass(frozen=True)
class Placeholder:
    """Hold one input tensor: its name, unique in the model, its shape, None for free axes, and the dtype declared."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def placeholders(model: keras.Model) -> list[Placeholder]:
    """List the model's inputs in its own order.

    Raises:
        UnsupportedModelError: for a model that does not know them yet.
    """
    # A stateful layer had to be built for one batch size, to remember its rows; without memory any will do.
    free_batch = is_stateful(model) or _is_subclassed(model)
    leaves = [(name, *_shape_and_dtype(leaf, model)) for name, leaf in _named(_structure(model), "input")]
    names = unique([name for name, _, _ in leaves])
    return [
        Placeholder(name, (None, *shape[1:]) if free_batch else shape, dtype)
        for name, (_, shape, dtype) in zip(names, leaves, strict=True)
    ]


def call_model(model: keras.Model, inputs: Sequence[Any]) -> Any:
    """Call a model for inference on its inputs in a flat sequence, each cast to the dtype that it declares.

    Ids may come as integers into an input that was declared without a dtype, which is float32 in Keras.
    """
    declared = [placeholder.dtype for placeholder in placeholders(model)]
    flat = iter([tf.cast(value, dtype) for value, dtype in zip(inputs, declared, strict=True)])
    return model(_rebuilt(_structure(model), flat), training=False)


def _is_subclassed(model: keras.Model) -> bool:
    return not getattr(model, "inputs", None)


def _structure(model: keras.Model) -> Any:
    """Return the argument of the model's ``call``, with a symbolic tensor or a shape in the place of each tensor."""
    if not _is_subclassed(model):
        structure = input_structure(model)
        alone = isinstance(structure, list | tuple) and len(structure) == 1
        return structure[0] if alone else structure
    shapes = build_shapes(model)
    if not shapes:
        raise UnsupportedModelError(
            f"the model {model.name!r} has no known inputs; call it once on sample data, or build it with keras.Input"
        )
    return next(iter(shapes.values()))  # Keras 3 records the shapes of the first argument alone


def _is_leaf(node: Any) -> bool:
    """Return whether it is a tensor, or a shape as Keras records it: a tuple, after loading a list, of sizes."""
    is_shape = isinstance(node, list | tuple) and all(size is None or isinstance(size, int) for size in node)
    return is_shape or not isinstance(node, list | tuple | dict)


def _named(node: Any, name: str) -> list[tuple[str, Any]]:
    """List the leaves in order, each under its tensor's name, its key, or its number."""
    if _is_leaf(node):
        return [(getattr(node, "name", name), node)]
    if isinstance(node, dict):  # Keras flattens a dict in the order of its sorted keys
        return [
            leaf
            for key in sorted(node)
            for leaf in ([(str(key), node[key])] if _is_leaf(node[key]) else _named(node[key], str(key)))
        ]
    return [leaf for index, item in enumerate(node) for leaf in _named(item, f"{name}_{index}")]


def _rebuilt(node: Any, values: Any) -> Any:
    if _is_leaf(node):
        return next(values)
    if isinstance(node, dict):
        return {key: _rebuilt(node[key], values) for key in sorted(node)}
    return [_rebuilt(item, values) for item in node]


def _shape_and_dtype(leaf: Any, model: keras.Model) -> tuple[tuple[int | None, ...], str]:
    if isinstance(leaf, list | tuple):
        return tuple(leaf), model.input_dtype
    return tuple(leaf.shape), str(leaf.dtype)


def unique(names: list[str]) -> list[str]:
    """Return the names, repeated ones numbered from 2."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out
