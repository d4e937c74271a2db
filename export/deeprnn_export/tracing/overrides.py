"""Temporarily override methods and attributes of layers while a graph is traced.

The user's model stays as it was: what is overridden is put back also after an exception, and another
thread that uses the model meanwhile gets the model's own methods.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from deeprnn_export.tracing.keras_internals import inner_layers

# A layer, or a module with functions, and by name what stands in place of its methods and attributes.
Override = tuple[Any, Mapping[str, Any]]

# Overrides live on the layer instances, which two threads may share: held while they do, and while what another
# thread may have overridden is read.
exclusive = threading.RLock()
_ABSENT = object()


@contextmanager
def overridden(overrides: Sequence[Override]) -> Iterator[None]:
    """Override methods, functions and plain attributes inside the context; this thread alone calls the new ones.

    Args:
        overrides: of two for the same name the later one holds.
    """
    before: list[tuple[dict[str, Any], str, Any]] = []
    with exclusive:
        try:
            for target, replacements in overrides:
                attributes = target.__dict__
                for name, value in replacements.items():
                    before.append((attributes, name, attributes.get(name, _ABSENT)))
                    attributes[name] = _of_this_thread(value, getattr(target, name)) if callable(value) else value
            yield
        finally:
            for attributes, name, value in reversed(before):
                if value is _ABSENT:
                    attributes.pop(name, None)
                else:
                    attributes[name] = value


def layer_paths(model: keras.Model) -> dict[keras.layers.Layer, str]:
    """Map every layer of a model, nested and wrapped ones too, in its order, to its path: ``encoder/lstm``."""
    paths: dict[keras.layers.Layer, str] = {}

    def visit(parent: keras.layers.Layer, prefix: str) -> None:
        for layer in inner_layers(parent):
            if layer not in paths:
                paths[layer] = f"{prefix}{layer.name}"
                visit(layer, f"{paths[layer]}/")

    visit(model, "")
    return paths


def count_recurrences(model: keras.Model) -> int:
    """Count the recurrent layers of a model; the two directions of a bidirectional one stand beside each other."""
    layers = layer_paths(model)
    both = sum(isinstance(layer, keras.layers.Bidirectional) for layer in layers)
    return sum(isinstance(layer, keras.layers.RNN) for layer in layers) - both


def _of_this_thread(replacement: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    tracing_thread = threading.get_ident()

    def method(*arguments: Any, **options: Any) -> Any:
        return (replacement if threading.get_ident() == tracing_thread else original)(*arguments, **options)

    return method
