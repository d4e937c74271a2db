"""Make a model of Keras 2 again in Keras 3, with its weights."""

from __future__ import annotations

from typing import Any

import keras

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.reading.custom_objects import OPTION
from deeprnn_export.reading.keras2.archive import assign_archive_weights
from deeprnn_export.reading.keras2.config import plain, translate
from deeprnn_export.reading.keras2.h5 import assign_h5_weights
from deeprnn_export.reading.keras2.layers import Origin
from deeprnn_export.reading.model_file import StoredModel
from deeprnn_export.tracing.overrides import layer_paths


def load_legacy_model(stored: StoredModel, *, allow_lambda: bool, custom_objects: dict[str, Any]) -> keras.Model:
    """Translate the config, make the model and assign every weight.

    Raises:
        UnsupportedModelError: for what Keras 3 cannot compute the same way; it names the layer.
        InputError: for weights that do not fit the model.
    """
    config = plain(stored.config)
    origin = Origin(stored.version, stored.backend, custom_objects, allow_lambda)
    try:
        translated = translate(config, origin)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise InputError(f"its config is not one that Keras 2 writes: {_one_line(error)}") from error
    model = _build(translated, origin)
    try:
        with stored.weights() as file:
            (assign_archive_weights if stored.archive else assign_h5_weights)(config, model, file)
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(f"it is damaged: its weights cannot be read ({_one_line(error)})") from error
    if not stored.of_tensorflow or stored.version < (2, 2, 4):
        for layer in layer_paths(model):
            if isinstance(layer, keras.layers.Bidirectional):
                _repeat_masked_output(layer)
    return model


def _build(config: dict[str, Any], origin: Origin) -> keras.Model:
    try:
        with keras.saving.custom_object_scope(origin.custom_objects):
            model = keras.saving.deserialize_keras_object(
                config, custom_objects=origin.custom_objects, safe_mode=not origin.allow_lambda
            )
    except Exception as error:
        if origin.allow_lambda and ("marshal" in str(error) or isinstance(error, EOFError)):
            raise UnsupportedModelError(
                "the code of its Lambda layer was compiled by another version of Python, which this one cannot run; "
                f"save the model again with a named function in the Lambda, and give that with {OPTION}"
            ) from error
        raise InputError(
            f"it is of Keras {'.'.join(map(str, origin.version))} and cannot be made in Keras {keras.__version__}: "
            f"{_one_line(error)}"
        ) from error
    if not isinstance(model, keras.Model):
        raise UnsupportedModelError(f"it holds a {type(model).__name__}; expected a model")
    if not model.built:
        raise UnsupportedModelError(
            f"the model {model.name!r} has no known inputs; call it once on sample data and save it again"
        )
    return model


def _repeat_masked_output(layer: keras.layers.Bidirectional) -> None:
    """Let either direction return its last output again at a masked step, as in Keras itself until 2.3.

    TensorFlow's Keras from 1.13 on and Keras 3 return zeros there: keras/src/layers/rnn/bidirectional.py.
    """
    for direction in (layer.forward_layer, layer.backward_layer):
        if getattr(direction, "zero_output_for_mask", None) is not None:
            direction.zero_output_for_mask = False


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
