"""Put models that Keras 2 described in Keras 3's words."""

from __future__ import annotations

from typing import Any

import keras

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.reading.custom_objects import lookup
from deeprnn_export.reading.keras2.graph import translate_graph
from deeprnn_export.reading.keras2.layers import Origin, class_name_of, name_of, translate_layer
from deeprnn_export.tracing.keras_internals import functional_class

RECURRENT = ("RNN", "SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU", "ConvLSTM2D", "Bidirectional")


def translate(node: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Translate a model, layer or cell of Keras 2 to what ``keras.saving.deserialize_keras_object`` of Keras 3 reads.

    Args:
        node: ``{"class_name": ..., "config": ...}``, as ``plain`` leaves it.

    Raises:
        UnsupportedModelError: for what Keras 3 cannot compute the same way; it names the layer.
    """
    kind = class_name_of(node)
    if lookup(kind, origin.custom_objects) is None and kind == "Sequential":
        return _translate_sequential(node, origin)
    if lookup(kind, origin.custom_objects) is None and kind in ("Functional", "Model"):
        return _translate_functional(node, origin)
    return translate_layer(node, origin, translate)


def plain(value: Any) -> Any:
    """Strip JSON of Keras 2's marks for tuples, shapes and arrays."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return plain(value["items"])
    if value.get("type") == "ndarray" and "value" in value:
        return value["value"]
    if value.get("class_name") in ("__numpy__", "__tensor__") and isinstance(value.get("config"), dict):
        return value["config"]["value"]
    return {key: plain(item) for key, item in value.items()}


def layers_of_config(node: dict[str, Any]) -> list[dict[str, Any]]:
    """List the layers of a model's config. Before Keras 2.2.3 a Sequential's config was the bare list."""
    config = node["config"]
    layers = config if isinstance(config, list) else config["layers"]
    return list(layers)


def _translate_sequential(node: dict[str, Any], origin: Origin) -> dict[str, Any]:
    config = node["config"] if isinstance(node["config"], dict) else {}
    entries = layers_of_config(node)
    layers = [translate(entry, origin) for entry in entries]
    source = _input_of(node)
    if source is not None and entries[0]["class_name"] != "InputLayer":
        layers.insert(0, translate(source, origin))
    name = config.get("name", node.get("name"))
    return _builtin("keras", "Sequential", {"name": name, "layers": layers}, node)


def _translate_functional(node: dict[str, Any], origin: Origin) -> dict[str, Any]:
    config = node["config"]
    entries = config["layers"]
    layers = [{**translate(entry, origin), "name": entry["name"]} for entry in entries]
    recurrent = frozenset(entry["name"] for entry in entries if _is_recurrent(entry, origin))
    graph = translate_graph(config, layers, recurrent=recurrent)
    kept = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    return _builtin(functional_class().__module__, "Functional", {**kept, **graph}, node)


def _is_recurrent(entry: dict[str, Any], origin: Origin) -> bool:
    custom = lookup(class_name_of(entry), origin.custom_objects)
    if custom is not None:
        return isinstance(custom, type) and issubclass(custom, keras.layers.RNN | keras.layers.Bidirectional)
    return entry["class_name"] in RECURRENT


def _input_of(node: dict[str, Any]) -> dict[str, Any] | None:
    """Make the input layer that a Sequential's first layer implies, as Keras 2 names it; None where nothing tells."""
    entries = layers_of_config(node)
    if not entries:
        raise UnsupportedModelError(f"the Sequential model {name_of(node)!r} has no layers")
    first = entries[0]
    if first["class_name"] == "InputLayer":
        return dict(first)
    own = first["config"] if isinstance(first["config"], dict) else {}
    config = node["config"] if isinstance(node["config"], dict) else {}
    shape, dtype = own.get("batch_input_shape"), own.get("dtype")
    if shape is None and first["class_name"] == "Sequential":
        inner = _input_of(first)
        shape, dtype = (
            (None, None) if inner is None else (inner["config"].get("batch_input_shape"), inner["config"].get("dtype"))
        )
    if shape is None and first["class_name"] in ("Functional", "Model"):
        sources = [entry["config"] for entry in first["config"]["layers"] if entry["class_name"] == "InputLayer"]
        shape, dtype = (sources[0]["batch_input_shape"], sources[0].get("dtype")) if len(sources) == 1 else (None, None)
    if shape is None:
        shape, dtype = config.get("build_input_shape") or node.get("build_config", {}).get("input_shape"), None
    if shape is None:
        return None
    source = {
        "name": f"{name_of(first) or 'sequential'}_input",
        "batch_input_shape": shape,
        "dtype": dtype or "float32",
    }
    return {"class_name": "InputLayer", "config": source}


def _builtin(module: str, kind: str, config: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    out = {"module": module, "class_name": kind, "registered_name": None, "config": config}
    return {**out, "name": node["name"]} if "name" in node else out
