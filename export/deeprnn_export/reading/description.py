"""A Keras model in the manifest's words: its layers, its parameters, and what its output decides."""

from __future__ import annotations

import keras

from deeprnn_edge.bundle.manifest import Architecture, Layer
from deeprnn_export.tracing.recurrence import CELLS


def describe_architecture(model: keras.Model) -> Architecture:
    """Layers in order, nested models opened, inputs left out."""
    return Architecture(tuple(_layers(model)), int(model.count_params()))


def default_labels(model: keras.Model) -> tuple[str, ...]:
    """``0, 1, ...`` for a classifier of one output, none for another model.

    A classifier ends in a softmax over classes, or in one sigmoid.
    """
    outputs = getattr(model, "outputs", None) or []
    if len(outputs) != 1 or not hasattr(outputs[0], "_keras_history"):
        return ()
    last = outputs[0]._keras_history.operation
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
    return Layer(
        layer.name,
        kind,
        parameters,
        cell=CELLS.get(type(inner.cell)),
        units=int(inner.cell.units) if hasattr(inner.cell, "units") else None,
        direction="bidirectional" if inner is not layer else "backward" if inner.go_backwards else "forward",
    )
