"""Load what is exported: the model, its inputs and outputs, and its raw input's rules; cut to fewer words if asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.vocabulary import vocabulary_name
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.pipeline.options import ExportOptions
from deeprnn_export.pipeline.vocabulary import cut_ids, prune_vocabulary
from deeprnn_export.reading.description import default_labels
from deeprnn_export.reading.front import Front, split_front
from deeprnn_export.reading.input_rules import InputRules, read_input_rules
from deeprnn_export.reading.load import load_model
from deeprnn_export.reading.signature import Signature, read_signature
from deeprnn_export.reading.text_rules import TextRules
from deeprnn_export.tracing.overrides import layer_paths


@dataclass(frozen=True)
class LoadedModel:
    """Hold a model that can be exported.

    Attributes:
        saved_at: its file, if it came from one.
        front: where layers of the model that was given became steps: it, and the layers that it was split at.
    """

    model: keras.Model
    signature: Signature
    rules: InputRules
    saved_at: Path | None
    front: Front | None = None


def read_model(model: keras.Model | str | Path, options: ExportOptions) -> LoadedModel:
    """Load a model where it is a path, and find out what its inputs are.

    Raises:
        InputError: for a file or rules that cannot be used.
        UnsupportedModelError: for a model without a recurrence, or whose answers are drawn at random.
    """
    saved_at = None
    if not isinstance(model, keras.Model | str | Path):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise InputError(
            f"export takes a Keras 3 model or the path of a saved one, got a {kind}: of tf_keras, save it as .h5 and "
            "give that path; of a SavedModel, the Keras model that it was made of; a layer, in a keras.Sequential"
        )
    if not isinstance(model, keras.Model):
        options.progress(f"loading {model}")
        saved_at = Path(model)
        model = load_model(model, allow_lambda=options.allow_lambda, custom_objects=options.custom_objects)
    if not any(isinstance(layer, keras.layers.RNN) for layer in layer_paths(model)):
        raise UnsupportedModelError(
            f"the model {model.name!r} has no recurrent layer; tf2onnx or Keras's own model.export suits it better"
        )
    front = split_front(model)
    if front is not None:
        for split in front.splits:
            options.progress(f"{split.layer.name!r} ({type(split.layer).__name__}) becomes steps of the bundle")
        model = front.core
    signature = read_signature(model)
    if signature.drawing is not None:
        raise UnsupportedModelError(
            f"{signature.drawing} draws random numbers at inference, so that no file could answer as it does; "
            "call it without training=True, or take it out"
        )
    rules = read_input_rules(
        signature,
        saved_at=saved_at,
        max_length=options.max_length,
        preprocessing=options.preprocessing,
        text=options.text,
        labels=options.labels,
        answer=options.answer,
        default_labels=default_labels(model),
        front=None if front is None or front.text is None else TextRules(*front.text),
        raw=() if front is None else front.raw,
        features=options.features,
    )
    for note in rules.notes:
        options.progress(note)
    return LoadedModel(model, signature, rules, saved_at, front)


def with_fewer_words(
    loaded: LoadedModel, keep_words: int
) -> tuple[LoadedModel, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Keep only the N most frequent words.

    Returns:
        The model with the smaller table, and what becomes of ids that are made for all words.
    """
    rules = loaded.rules.preprocessing
    model = prune_vocabulary(loaded.model, keep_words, index_offset=rules.index_offset)
    signature = read_signature(model)
    count = signature.inputs[0].id_count or 0
    words = loaded.rules.vocabulary[:keep_words]
    cut = replace(loaded.rules, vocabulary=words)
    if words:
        cut = replace(cut, preprocessing=replace(rules, vocabulary=vocabulary_name(words)))
    # Without its front: that knows words which are unknown here.
    return LoadedModel(model, signature, cut, loaded.saved_at), lambda ids: cut_ids(ids, count, rules.oov_id)
