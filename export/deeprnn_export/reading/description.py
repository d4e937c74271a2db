"""Describe a Keras model in the manifest's words: its layers, its parameters, and what its output decides."""

from __future__ import annotations

import keras

from deeprnn_edge.bundle.manifest import Architecture, Layer
from deeprnn_export.cells import cell_of
from deeprnn_export.tracing.keras_internals import maker_of


def describe_architecture(model: keras.Model) -> Architecture:
    """List a model's layers in order, nested models opened, inputs left out."""
    return Architecture(tuple(_layers(model)), int(model.count_params()))


def default_labels(model: keras.Model) -> tuple[str, ...]:
    """Return ``0, 1, ...`` for a classifier of one output, none for another model.

    A classifier ends in a softmax over classes, or in one sigmoid.
    """
    outputs = getattr(model, "outputs", None) or []
    last = maker_of(outputs[0]) if len(outputs) == 1 else None
    if last is None:
        return ()
    activation = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
    width = outputs[0].shape[-1]
    if activation == "softmax":
        return tuple(map(str, range(width)))
    return ("0", "1") if activation == "sigmoid" and width == 1 else ()


def _layers(model: keras.Model) -> list[Layer]:
    layers: list[Layer] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            layers += _layers(layer)
        else:
            layers.append(_layer(layer))
    return layers


def _layer(layer: keras.layers.Layer) -> Layer:
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    kind, parameters = type(layer).__name__, int(layer.count_params())
    if not isinstance(inner, keras.layers.RNN):
        return Layer(layer.name, kind, parameters)
    cell = cell_of(inner.cell)
    return Layer(
        layer.name,
        kind,
        parameters,
        cell=None if cell is None else cell.name,
        units=int(inner.cell.units) if hasattr(inner.cell, "units") else None,
        direction="bidirectional" if inner is not layer else "backward" if inner.go_backwards else "forward",
    )
