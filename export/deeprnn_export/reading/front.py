"""Split a model at the layers in front of it that no runtime has: they become steps, and the network is what is behind.

What a file computes exactly stays in it: Normalization is arithmetic, and CategoryEncoding a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.datasets.text_layers import LayerRules, text_vectorization_rules
from deeprnn_export.reading.front_steps import LOOKUPS, STEP_LAYERS, layer_steps
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.model_inputs import Placeholder, call_model, placeholders
from deeprnn_export.tracing.overrides import layer_paths
from deeprnn_export.tracing.refusals import refusing

_TEXT, _HASHING = keras.layers.TextVectorization, keras.layers.Hashing


@dataclass(frozen=True)
class Split:
    """Hold the layer that one input of a model was split at.

    Attributes:
        declared: the model's input.
        name: of the input of the network behind.
        raw: what the layer does; None for a TextVectorization.
    """

    declared: Placeholder
    name: str
    layer: keras.layers.Layer
    raw: RawInput | None

    def given(self, values: Any) -> Any:
        """Return texts, or raw values of a row each, as the model takes them."""
        if self.declared.dtype != "string":
            return tf.constant(np.asarray(values))
        given = tf.constant(np.asarray(values, object).tolist(), tf.string)
        return given if len(self.declared.shape) == len(given.shape) else given[:, None]

    def made(self, values: Any) -> NDArray[Any]:
        """Return what the layer makes of texts or raw values: an input of the network behind."""
        return np.asarray(self.layer(self.given(values)))


@dataclass(frozen=True)
class Front:
    """Hold a model with layers at its front that no runtime has, and its two halves.

    Attributes:
        model: the whole.
        core: the network behind.
        splits: for each input that was split.
        text: what a TextVectorization does, and its words by id.
    """

    model: keras.Model
    core: keras.Model
    splits: tuple[Split, ...]
    text: LayerRules | None

    @property
    def raw(self) -> tuple[RawInput, ...]:
        """Return what becomes of raw values, for each input that has such steps."""
        return tuple(split.raw for split in self.splits if split.raw is not None)

    def ids(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return the TextVectorization's ids of some texts, ``(texts, steps)``."""
        return self.splits[0].made(texts)

    def answers(self, given: Mapping[str, Any]) -> list[NDArray[Any]]:
        """Return the whole model's outputs.

        Args:
            given: texts, raw values, or arrays where nothing was split, by the names of the core's inputs.
        """
        splits = {split.name: split for split in self.splits}
        names = [one.name for one in placeholders(self.core)]
        arrays = [splits[name].given(given[name]) if name in splits else given[name] for name in names]
        with inference_form(self.model):
            outputs = call_model(self.model, arrays)
        return [np.asarray(keras.ops.convert_to_numpy(one)) for one in keras.tree.flatten(outputs)]


def split_front(model: keras.Model) -> Front | None:
    """Split a model at what stands at its front and no runtime has; None for a model without that.

    Raises:
        UnsupportedModelError: for strings that go elsewhere, and for such layers elsewhere or of a form that no step
            has, by the layer.
    """
    declared = placeholders(model)
    strings = [one for one in declared if one.dtype == "string"]
    found: list[keras.layers.Layer | None] = []
    if isinstance(model, keras.Sequential):
        found = [_reader([*model.layers[:1], model][:1], declared[0])]
    elif getattr(model, "inputs", None):
        found = [_reader(_readers(model, place), one) for place, one in enumerate(declared)]
    elif strings:
        raise UnsupportedModelError(
            f"the model {model.name!r} ({type(model).__name__}) takes strings in code of its own, which cannot be "
            "split; build it as a functional model, or export the model behind its TextVectorization"
        )
    splits = [_split(one, layer) for one, layer in zip(declared, found, strict=False) if layer is not None]
    front = None
    if splits:
        if len(declared) > 1 and any(split.raw is None for split in splits):
            raise UnsupportedModelError(
                f"input {strings[0].name!r} takes strings beside {len(declared) - 1} other inputs, and a bundle turns "
                "text into ids for models of one input; export the model behind its TextVectorization"
            )
        names = ", ".join(repr(split.layer.name) for split in splits)
        with refusing(f"the model {model.name!r} cannot be built behind {names}"):
            core = _behind(model, declared, {one.declared.name: one for one in splits})
        text = next((_read_text(split.layer) for split in splits if split.raw is None), None)
        front = Front(model, core, tuple(splits), text)
    _refuse_elsewhere(model if front is None else front.core)
    return front


def _readers(model: keras.Model, place: int) -> list[Any]:
    """List what reads one input of a functional model; the model itself where it gives the input out as it is."""
    tensor = _tensor(model, place)
    nodes = [node for group in model._nodes_by_depth.values() for node in group]
    readers = [node.operation for node in nodes if any(given is tensor for given in node.input_tensors)]
    return readers + [model for one in model.outputs if one is tensor]


def _reader(readers: Sequence[Any], declared: Placeholder) -> keras.layers.Layer | None:
    """Return the one layer that reads an input, where it becomes a step."""
    strings = declared.dtype == "string"
    for layer in readers if strings else ():
        if type(layer) not in (_TEXT, keras.layers.StringLookup, _HASHING):
            raise UnsupportedModelError(
                f"input {declared.name!r} takes strings and goes to {layer.name!r} ({type(layer).__name__}), which no "
                "step of a bundle does; expected a TextVectorization or a StringLookup: export the model behind that "
                "layer"
            )
    if strings and len(readers) != 1:
        names = ", ".join(repr(layer.name) for layer in readers)
        raise UnsupportedModelError(
            f"input {declared.name!r} takes strings and goes to {len(readers)} layers ({names}); expected one"
        )
    if len(readers) != 1 or type(readers[0]) not in (_TEXT, *STEP_LAYERS):
        return None
    of_strings = type(readers[0]) in (_TEXT, keras.layers.StringLookup)
    return readers[0] if of_strings == strings else None


def _tensor(model: keras.Model, place: int) -> Any:
    """Return the input of that place among the placeholders, which follow the keys of a dict in their order."""
    structure = model._inputs_struct
    if isinstance(structure, dict):
        return structure[sorted(structure)[place]]
    return keras.tree.flatten(model.inputs)[place]


def _split(declared: Placeholder, layer: keras.layers.Layer) -> Split:
    if type(layer) is _TEXT:
        return Split(declared, _core_name(declared, "ids"), layer, None)
    shape = tuple("time" if size is None else size for size in declared.shape[1:])
    name = _core_name(declared, "features")
    return Split(declared, name, layer, layer_steps(layer, name, shape, declared.dtype))


def _behind(model: keras.Model, declared: Sequence[Placeholder], splits: Mapping[str, Split]) -> keras.Model:
    """Build the network behind the layers, of the model's own layers."""
    if isinstance(model, keras.Sequential):
        (split,) = splits.values()
        return keras.Sequential([_new_input(split), *model.layers[1:]], name=model.name)
    tensors, fresh = [], []
    for place, one in enumerate(declared):
        tensor = _tensor(model, place)
        split_here = splits.get(one.name)
        if split_here is None:
            tensors.append(tensor)
            fresh.append(keras.Input(one.shape[1:], dtype=one.dtype, name=one.name))
        else:
            nodes = split_here.layer._inbound_nodes
            made = next(node for node in nodes if any(given is tensor for given in node.input_tensors))
            tensors.append(made.output_tensors[0])
            fresh.append(_new_input(split_here, tensors[-1].shape))
    alone = len(tensors) == 1
    behind = keras.Model(tensors[0] if alone else tensors, model._outputs_struct, name=model.name)
    fresh = fresh[0] if alone else fresh
    return keras.models.clone_model(behind, input_tensors=fresh, clone_function=lambda one: one)


def _new_input(split: Split, shape: tuple[int | None, ...] | None = None) -> Any:
    if shape is None:
        shape = tuple(split.layer.compute_output_shape((None, *split.declared.shape[1:]) if split.raw else (None,)))
    whole = split.raw is None or all(step.step != "one_hot" for step in split.raw.steps)
    return keras.Input(shape[1:], dtype="int32" if whole else "float32", name=split.name)


def _core_name(declared: Placeholder, plain: str) -> str:
    """Return the input's name where the user gave it one: Keras's own counts the tensors of the process."""
    return plain if declared.name.startswith("keras_tensor") else declared.name


def _refuse_elsewhere(model: keras.Model) -> None:
    """Refuse layers that could only be steps, and stand where no step can."""
    for layer, path in layer_paths(model).items():
        if isinstance(layer, _HASHING):
            raise UnsupportedModelError(
                f"layer {path!r} (Hashing) computes TensorFlow's fingerprint, which no runtime has and no step of a "
                "bundle does; look the values up with a StringLookup or an IntegerLookup in its place, or export the "
                "model behind that layer and hash before it"
            )
        if isinstance(layer, (_TEXT, *LOOKUPS)):
            raise UnsupportedModelError(
                f"layer {path!r} ({type(layer).__name__}) looks values up in a table, which no runtime has; it becomes "
                "a step of the bundle where it alone reads an input of the model: move it there, or export the model "
                "behind that layer"
            )


def _read_text(layer: keras.layers.TextVectorization) -> LayerRules:
    rules = text_vectorization_rules(layer.get_config(), layer.name)
    words = tuple(map(str, layer.get_vocabulary(include_special_tokens=False)))
    if not words:
        raise UnsupportedModelError(
            f"layer {layer.name!r} (TextVectorization) has no words; adapt it before the model is exported"
        )
    return LayerRules(rules, words)
