"""Split a model that takes strings into its TextVectorization, which becomes steps, and the network behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.datasets.text_layers import text_vectorization_rules
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.model_inputs import Placeholder, call_model, placeholders
from deeprnn_export.tracing.refusals import refusing

_LAYER = keras.layers.TextVectorization


@dataclass(frozen=True)
class StringFront:
    """Hold a model that takes strings, and its two halves.

    Attributes:
        model: the whole.
        core: the network behind the layer, which takes ids.
        preprocessing, words: what the layer does, and its words by id.
    """

    model: keras.Model
    core: keras.Model
    layer: keras.layers.TextVectorization
    preprocessing: Preprocessing
    words: tuple[str, ...]

    def ids(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return the layer's ids of some texts, as the model itself gives them to it, ``(texts, steps)``."""
        return np.asarray(self.layer(self._given(texts)))

    def answers(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """Return the whole model's outputs for some texts."""
        with inference_form(self.model):
            outputs = call_model(self.model, [self._given(texts)])
        return [np.asarray(keras.ops.convert_to_numpy(one)) for one in keras.tree.flatten(outputs)]

    def _given(self, texts: Sequence[str]) -> Any:
        given = tf.constant(list(texts), tf.string)
        return given if len(placeholders(self.model)[0].shape) == 1 else given[:, None]


def split_string_front(model: keras.Model) -> StringFront | None:
    """Split a model at its TextVectorization; None for a model that takes no strings.

    Raises:
        UnsupportedModelError: for strings that go elsewhere, by the layer that takes them.
    """
    declared = placeholders(model)
    strings = [one for one in declared if one.dtype == "string"]
    if not strings:
        return None
    if len(declared) > 1:
        raise UnsupportedModelError(
            f"input {strings[0].name!r} takes strings beside {len(declared) - 1} other inputs, and a bundle turns text "
            "into ids for models of one input; export the model behind its TextVectorization"
        )
    if isinstance(model, keras.Sequential):
        layers: Sequence[keras.layers.Layer] = model.layers
        layer = _check_layer(layers[0] if layers else model, strings[0])
        rules, words = _read(layer)
        ids = keras.Input((layer.compute_output_shape((None,))[1],), dtype="int32", name=_ids_name(strings[0]))
        with refusing(f"the model {model.name!r} cannot be built behind {layer.name!r}"):
            core = keras.Sequential([ids, *layers[1:]], name=model.name)
        return StringFront(model, core, layer, rules, words)
    if not getattr(model, "inputs", None):
        raise UnsupportedModelError(
            f"the model {model.name!r} ({type(model).__name__}) takes strings in code of its own, which cannot be "
            "split; build it as a functional model, or export the model behind its TextVectorization"
        )
    layer, output = _reader(model, strings[0])
    rules, words = _read(layer)
    with refusing(f"the model {model.name!r} cannot be built behind {layer.name!r}"):
        behind = keras.Model(output, model._outputs_struct, name=model.name)
        ids = keras.Input(tuple(output.shape[1:]), dtype="int32", name=_ids_name(strings[0]))
        core = keras.models.clone_model(behind, input_tensors=ids, clone_function=lambda one: one)
    return StringFront(model, core, layer, rules, words)


def _reader(model: keras.Model, declared: Placeholder) -> tuple[keras.layers.TextVectorization, Any]:
    """Find the one layer of a functional model that reads the strings, and its output."""
    nodes = [node for group in model._nodes_by_depth.values() for node in group]
    readers = [node for node in nodes if any(tensor is model.inputs[0] for tensor in node.input_tensors)]
    for node in readers:
        _check_layer(node.operation, declared)
    if len(readers) != 1:
        names = ", ".join(repr(node.operation.name) for node in readers)
        raise UnsupportedModelError(
            f"input {declared.name!r} takes strings and goes to {len(readers)} layers ({names}); expected one"
        )
    return readers[0].operation, readers[0].output_tensors[0]


def _ids_name(declared: Placeholder) -> str:
    """Return the input's name where the user gave it one: Keras's own counts the tensors of the process."""
    return "ids" if declared.name.startswith("keras_tensor") else declared.name


def _check_layer(layer: Any, declared: Placeholder) -> keras.layers.TextVectorization:
    if type(layer) is not _LAYER:
        raise UnsupportedModelError(
            f"input {declared.name!r} takes strings and goes to {layer.name!r} ({type(layer).__name__}), "
            "which no step of a bundle does; expected a TextVectorization: export the model behind that layer"
        )
    return layer


def _read(layer: keras.layers.TextVectorization) -> tuple[Preprocessing, tuple[str, ...]]:
    rules = text_vectorization_rules(layer.get_config(), layer.name)
    words = tuple(map(str, layer.get_vocabulary(include_special_tokens=False)))
    if not words:
        raise UnsupportedModelError(
            f"layer {layer.name!r} (TextVectorization) has no words; adapt it before the model is exported"
        )
    return rules, words
