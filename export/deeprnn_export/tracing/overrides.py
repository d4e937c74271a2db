"""The seam: methods and attributes of a model's layers, replaced on the instances while a graph is traced.

It leaves the user's model as it was: what is replaced is put back also after an exception, and another
thread that uses the model meanwhile gets the model's own methods.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras

Shadows = Mapping[str, Any]
Owner = Any  # a layer, or a module whose function is replaced

# What is replaced lives on the layer instances, which two threads may share: held while it is, and while what
# another thread may have replaced is read.
exclusive = threading.RLock()
_ABSENT = object()


@contextmanager
def replaced(owners: Sequence[tuple[Owner, Shadows]]) -> Iterator[None]:
    """Shadow methods, functions and plain attributes on instances and modules inside the context."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    with exclusive:
        try:
            for owner, shadows in owners:
                for name, value in shadows.items():
                    attributes = owner.__dict__
                    before.append((attributes, name, attributes.get(name, _ABSENT)))
                    attributes[name] = _of_this_thread(value, getattr(owner, name)) if callable(value) else value
            yield
        finally:
            for attributes, name, value in reversed(before):
                if value is _ABSENT:
                    attributes.pop(name, None)
                else:
                    attributes[name] = value


def layer_paths(model: keras.Model) -> dict[keras.layers.Layer, str]:
    """Every layer of a model, nested and wrapped ones too, in the model's order, and its path: ``encoder/lstm``."""
    paths: dict[keras.layers.Layer, str] = {}

    def visit(parent: keras.layers.Layer, prefix: str) -> None:
        for layer in parent._layers:
            if layer not in paths:
                paths[layer] = f"{prefix}{layer.name}"
                visit(layer, f"{paths[layer]}/")

    visit(model, "")
    return paths


def count_recurrences(model: keras.Model) -> int:
    """How many recurrent layers a model has; the two directions of a bidirectional one stand beside each other."""
    layers = layer_paths(model)
    both = sum(isinstance(layer, keras.layers.Bidirectional) for layer in layers)
    return sum(isinstance(layer, keras.layers.RNN) for layer in layers) - both


def _of_this_thread(shadow: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    owner = threading.get_ident()

    def method(*arguments: Any, **options: Any) -> Any:
        return (shadow if threading.get_ident() == owner else original)(*arguments, **options)

    return method
