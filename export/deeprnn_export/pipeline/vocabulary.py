"""Cut the vocabulary: copy a model with an embedding that knows the most frequent words alone.

Ids are ordered by frequency: the word of rank r, 1 for the most frequent, is ``r + index_offset``, and what
is below pads, starts a text or stands for an unknown word. So keeping N words keeps the first
``N + index_offset + 1`` rows of the table, and every id below that count means what it meant.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.inputs.text import INDEX_OFFSET
from deeprnn_export.parity.grid import GridCase, make_grid
from deeprnn_export.parity.reference import KerasFailedError, keras_answers
from deeprnn_export.reading.signature import Signature, read_signature, tensor_specs
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.keras_internals import (
    functional_class,
    given_output_shape,
    inner_layers,
    own_variables,
    whole_table,
)
from deeprnn_export.tracing.model_inputs import call_model
from deeprnn_export.tracing.overrides import layer_paths, overridden
from deeprnn_export.tracing.refusals import refusing

_EMBEDDING = keras.layers.Embedding
_WAY_OUT = "train with a smaller vocabulary instead"
_STEPS = 4  # of the comparison, where the time axis is free: padding needs a few
# The same weights in the same operations: only compiling a slow model may change the order of a sum.
_AGREEMENT = 1e-5

Embeddings = dict[keras.layers.Embedding, str]  # and their paths


def prune_vocabulary(model: keras.Model, keep_words: int, *, index_offset: int = INDEX_OFFSET) -> keras.Model:
    """Copy a built Sequential or Functional model so that it knows the ``keep_words`` most frequent words alone.

    Each Embedding that reads the model's ids has the rows ``[0, keep_words + index_offset + 1)`` left; every
    other weight is equal, bit by bit, and so are the names of the model, its layers and inputs. For ids below
    that count the copy answers as ``model`` does, which is checked; ``cut_ids`` makes the others unknown words.
    The copy is not compiled, starts from the initial state, and ``model`` stays as it is.

    Args:
        index_offset: what the rank of a word is added to for its id, as in ``Preprocessing``.

    Raises:
        InputError: for numbers that cannot be used.
        UnsupportedModelError: for a model that has no such table, or that cannot be copied without it.
    """
    _check_numbers(keep_words, index_offset)
    _check_rebuildable(model)
    embeddings = {layer: path for layer, path in layer_paths(model).items() if isinstance(layer, _EMBEDDING)}
    for layer, path in embeddings.items():
        _check_embedding(layer, path)
    signature = read_signature(model)
    tables = _tables(model, embeddings, signature)
    words = next(iter(tables)).input_dim - index_offset - 1
    if keep_words >= words:
        raise InputError(
            f"{keep_words} words to keep, but the model {model.name!r} has {max(0, words)}; expected fewer than that"
        )
    id_count = keep_words + index_offset + 1
    copy = _copy(model, tables, id_count)
    _move_weights(model, copy, tables, id_count)
    inputs = [spec if spec.id_count is None else replace(spec, id_count=id_count) for spec in signature.inputs]
    _check_copy(model, copy, replace(signature, inputs=tuple(inputs)))
    return copy


def cut_ids(ids: NDArray[Any], id_count: int, oov_id: int | None) -> NDArray[Any]:
    """Replace the ids from ``id_count`` on by the unknown word ``oov_id``, in any shape and the same dtype.

    Raises:
        InputError: where the unknown word itself lies beyond the ids.
    """
    if oov_id is None:
        if (ids < id_count).all():
            return ids
        raise InputError("the rules leave unknown words out, which ids cannot say: give them an oov_id to cut words")
    if not 0 <= oov_id < id_count:
        raise InputError(f"the unknown word's id is {oov_id}; expected one in [0, {id_count}), the ids that are left")
    return np.where(ids < id_count, ids, ids.dtype.type(oov_id))


def _check_numbers(keep_words: int, index_offset: int) -> None:
    for what, value, least in (("words to keep", keep_words, 1), ("index offset", index_offset, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{what} {value!r}; expected a whole number from {least}")


def _check_rebuildable(model: keras.Model) -> None:
    """Refuse models with a ``call`` of their own: a copy of their layers would not compute what they do."""
    if not _is_plain(model):
        raise UnsupportedModelError(
            f"the model {model.name!r} ({type(model).__name__}) computes in code of its own, which cannot be copied "
            f"with a smaller table; build it as a functional model, or {_WAY_OUT}"
        )
    for layer, path in layer_paths(model).items():
        if isinstance(layer, keras.Sequential | functional_class()) and not _is_plain(layer):
            raise UnsupportedModelError(
                f"layer {path!r} ({type(layer).__name__}) is a model with code of its own, which cannot be copied; "
                f"build it as a functional model, or {_WAY_OUT}"
            )


def _is_plain(model: keras.layers.Layer) -> bool:
    return any(
        isinstance(model, kind) and type(model).call is kind.call for kind in (keras.Sequential, functional_class())
    )


def _check_embedding(layer: keras.layers.Embedding, path: str) -> None:
    """Refuse an embedding that is more than rows to look up: what it does with ids and rows cannot be told."""
    name = f"layer {path!r} ({type(layer).__name__})"
    if layer.lora_enabled:
        raise UnsupportedModelError(f"{name} has LoRA weights beside its table; merge them into it first")
    if layer.quantization_mode is not None:
        raise UnsupportedModelError(
            f"{name} is quantised to {layer.quantization_mode}; cut the model's words before quantising it"
        )
    if type(layer) is not _EMBEDDING:
        raise UnsupportedModelError(
            f"{name} is not Keras's plain Embedding and may use its table for more than looking ids up; {_WAY_OUT}"
        )


def _tables(model: keras.Model, embeddings: Embeddings, signature: Signature) -> Embeddings:
    """Find the embeddings that read the model's ids, all of one size, and their paths."""
    if len(embeddings) > 1:
        tables = {layer: path for layer, path in embeddings.items() if _reads_ids(model, layer)}
    else:
        tables = embeddings if any(spec.id_count is not None for spec in signature.inputs) else {}
    if not tables:
        raise UnsupportedModelError(
            f"the model {model.name!r} has no Embedding that reads its ids as they come, so no vocabulary to cut"
        )
    if len({layer.input_dim for layer in tables}) > 1:
        sizes = ", ".join(f"{path!r} has {layer.input_dim} rows" for layer, path in tables.items())
        raise UnsupportedModelError(
            f"the embeddings of the model {model.name!r} are of several sizes: {sizes}; "
            f"which of them the words are is not known, so {_WAY_OUT}"
        )
    for layer, path in tables.items():
        _check_unshared(model, layer, path)
    return tables


def _reads_ids(model: keras.Model, layer: keras.layers.Embedding) -> bool:
    """Return whether an embedding looks the model's ids up as they come: then its size, shown as 1, is an input's."""
    with overridden([(layer, {"input_dim": 1})]):
        return any(spec.id_count == 1 for spec in read_signature(model).inputs)


def _check_unshared(model: keras.Model, table: keras.layers.Embedding, path: str) -> None:
    """Refuse a table that a layer with code of its own holds, and may read otherwise."""
    for owner, owner_path in [(model, model.name), *layer_paths(model).items()]:
        holds = any(layer is table for layer in inner_layers(owner)) and not (
            isinstance(owner, keras.Sequential | functional_class()) or type(owner) is keras.layers.TimeDistributed
        )
        shares = owner is not table and any(weight is whole_table(table) for weight in own_variables(owner))
        if holds or shares:
            raise UnsupportedModelError(
                f"layer {owner_path!r} ({type(owner).__name__}) uses the table of {path!r} in code of its own, "
                f"which may need every row; {_WAY_OUT}"
            )


def _copy(model: keras.Model, tables: Embeddings, id_count: int) -> keras.Model:
    """Build the model anew with smaller tables; its weights are still to be set."""
    layers = [model, *layer_paths(model)]

    def renewed(layer: keras.layers.Layer) -> keras.layers.Layer:
        if type(layer) is keras.layers.Lambda:
            # Its function itself: stored and read back, Python's code would lose the names that it refers to.
            options = {"output_shape": given_output_shape(layer), "mask": layer.mask, "arguments": layer.arguments}
            return keras.layers.Lambda(layer.function, **options, name=layer.name, dtype=layer.dtype_policy)
        return type(layer).from_config(_cut_config(layer.get_config(), tables, id_count))

    # Compiling would need the user's losses to be rebuilt too, and make an optimizer's slots for every weight.
    uncompiled = [(one, {"compiled": False}) for one in layers if isinstance(one, keras.Model)]
    with (
        refusing(f"the model {model.name!r} cannot be copied with a smaller vocabulary; {_WAY_OUT}"),
        overridden(uncompiled),
        keras.saving.custom_object_scope(_live_objects(layers)),
    ):
        copy = keras.models.clone_model(model, clone_function=renewed, recursive=True)
        # A Sequential model that was built by its first call names its input otherwise than its input layer.
        for twin, original in zip(copy.inputs, model.inputs, strict=True):
            twin.name = original.name
        twins = {path: layer for layer, path in layer_paths(copy).items()}
        for layer, path in layer_paths(model).items():
            if isinstance(layer, keras.layers.RNN):
                # Bidirectional sets it when it is made, and a model of Keras 2 computes with the other value.
                twins[path].zero_output_for_mask = layer.zero_output_for_mask
    return copy


def _cut_config(config: Any, tables: Embeddings, id_count: int) -> Any:
    """Cut the tables in a layer's config, those of wrapped layers and models too."""
    if isinstance(config, list | tuple):
        return type(config)(_cut_config(item, tables, id_count) for item in config)
    if not isinstance(config, dict):
        return config
    cut = {key: _cut_config(value, tables, id_count) for key, value in config.items()}
    if any((cut.get("name"), cut.get("input_dim")) == (table.name, table.input_dim) for table in tables):
        cut["input_dim"] = id_count
        cut["embeddings_initializer"] = "zeros"  # a constant one holds the whole table
    return cut


def _live_objects(layers: Sequence[keras.layers.Layer]) -> dict[str, Any]:
    """Collect what the model's configs name and Keras may not know: the classes of its layers, and their functions."""
    found: dict[str, Any] = {}
    for layer in layers:
        for value in (layer, *vars(layer).values()):
            kind = value if isinstance(value, types.FunctionType) else type(value)
            if kind.__module__.split(".")[0] not in ("builtins", "keras", "tensorflow", "numpy"):
                found[keras.saving.get_registered_name(kind)] = kind
    return found


def _move_weights(model: keras.Model, copy: keras.Model, tables: Embeddings, id_count: int) -> None:
    """Move every layer's weights by Keras's own protocol, by which a layer also renews what it derives from them."""
    twins = {path: layer for layer, path in layer_paths(copy).items()}
    for layer, path in layer_paths(model).items():
        stored: dict[str, Any] = {}
        layer.save_own_variables(stored)
        if not stored:
            continue
        shapes = [tuple(weight.shape) for weight in own_variables(layer)]
        if layer in tables:
            stored = {"0": keras.ops.convert_to_numpy(layer.embeddings)[:id_count]}
            shapes = [(id_count, layer.output_dim)]
        twin = twins.pop(path, None)  # taken out: of two layers of one path the second finds none
        if twin is None or [tuple(weight.shape) for weight in own_variables(twin)] != shapes:
            raise UnsupportedModelError(
                f"layer {path!r} ({type(layer).__name__}) is not in the copy of the model {model.name!r}, "
                f"or has other weights there; {_WAY_OUT}"
            )
        with refusing(f"layer {path!r} ({type(layer).__name__}) does not take the weights that it stores"):
            twin.load_own_variables(stored)


def _check_copy(model: keras.Model, copy: keras.Model, signature: Signature) -> None:
    """Refuse a copy that still reads a weight of the model, or answers otherwise.

    Args:
        signature: of the copy.
    """
    weights = {weight.value.ref(): weight.path for weight in model.variables}
    with refusing(f"the model {model.name!r} cannot be traced with a smaller vocabulary"), inference_form(copy):
        specs = tensor_specs(signature.inputs)
        graph = tf.function(lambda *inputs: call_model(copy, inputs), input_signature=specs, autograph=False)
        read = [variable.ref() for variable in graph.get_concrete_function().graph.variables]
    outside = next((weights[one] for one in read if one in weights), None)
    if outside is not None:  # a Lambda, or an operation on a weight
        raise UnsupportedModelError(
            f"the model {model.name!r} uses its weight {outside!r} outside the layer that made it, "
            f"so that no copy can have its own; {_WAY_OUT}"
        )
    full, padded, *_ = make_grid(signature, length=_STEPS)
    counts = {spec.name: spec.id_count for spec in signature.inputs if spec.id_count is not None}
    last = {name: np.full_like(full.inputs[name], count - 1) for name, count in counts.items()}
    grid = [padded, GridCase("the last id", full.inputs | last)]
    try:
        expected, given = (keras_answers(one, signature, grid) for one in (model, copy))
    except KerasFailedError as error:
        raise UnsupportedModelError(
            f"the model {model.name!r} cannot look its ids up in a smaller table; {_WAY_OUT}"
        ) from error
    for before, after in zip(expected, given, strict=True):
        for name, answer in after.outputs.items():
            if not np.allclose(answer, before.outputs[name], rtol=_AGREEMENT, atol=_AGREEMENT, equal_nan=True):
                raise UnsupportedModelError(
                    f"the copy of the model {model.name!r} answers otherwise in {name!r} ({after.name}): "
                    f"a layer's get_config does not tell all that it does; {_WAY_OUT}"
                )
