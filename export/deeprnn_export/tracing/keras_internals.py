"""Use the private and unstable parts of Keras: one function each, which says what it mirrors.

Read in Keras 3.12 to 3.15. Nothing else in the workshop touches them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras

from deeprnn_export.tracing.library_internals import internal

_internal = partial(internal, "Keras")
Replacements = Mapping[str, Any]


def functional_class() -> Any:
    """Return the class of functional models, which has no public name: ``keras.src.models.functional.Functional``."""
    return _internal("keras.src.models.functional", "Functional")


def inner_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """List the layers that a layer holds in its attributes, wrappers' and cells too: ``Layer._layers``."""
    return list(_internal(layer, "_layers"))


def own_variables(layer: keras.layers.Layer, *, trainable_only: bool = False) -> list[Any]:
    """List what a layer made itself, also where it may not train: ``Layer._trainable_variables`` and its opposite."""
    others = [] if trainable_only else _internal(layer, "_non_trainable_variables")
    return [*_internal(layer, "_trainable_variables"), *others]


def maker_of(tensor: Any) -> Any:
    """Return the layer or operation that a symbolic tensor comes from: ``KerasTensor._keras_history.operation``.

    Returns:
        None for what is no symbolic tensor of Keras.
    """
    return _internal(tensor, "_keras_history").operation if isinstance(tensor, keras.KerasTensor) else None


def input_structure(model: keras.Model) -> Any:
    """Return a functional model's inputs as it was called on them: ``Function._inputs_struct``; others' as a list."""
    return _internal(model, "_inputs_struct") if isinstance(model, functional_class()) else model.inputs


def build_shapes(model: keras.Model) -> Mapping[str, Any]:
    """Return the shapes that a subclassed model was first called on: ``Layer._build_shapes_dict``; empty before."""
    return (_internal(model, "_build_shapes_dict") if model.built else None) or {}


def takes(layer: keras.layers.Layer, argument: str) -> bool:
    """Return whether ``call`` takes ``mask`` or ``training``: ``_call_has_mask_arg``, ``_call_has_training_arg``."""
    return bool(_internal(layer, f"_call_has_{argument}_arg"))


def whole_table(layer: keras.layers.Embedding) -> Any:
    """Return the variable that an embedding made, even where ``embeddings`` is a sum: ``Embedding._embeddings``."""
    return _internal(layer, "_embeddings")


def given_output_shape(layer: keras.layers.Lambda) -> Any:
    """Return the output shape that a Lambda was made with: ``Lambda._output_shape``."""
    return _internal(layer, "_output_shape")


def loop_of(layer: keras.layers.RNN) -> Any:
    """Return what runs a recurrent layer over its steps: ``RNN.inner_loop``, which gives ``(last, outputs, states)``.

    ``RNN.call`` prepares the states and hands over to ``inner_loop(sequences, initial_state, mask, training)``.
    """
    return _internal(layer, "inner_loop")


def has_keras_loop(layer: keras.layers.RNN) -> bool:
    """Return whether a layer's class leaves the loop over its steps to Keras: ``RNN``, ``LSTM`` and ``GRU`` have one.

    A class that replaces the loop computes what only its own loop knows.
    """
    kinds = (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU)
    return loop_of(type(layer)) in [loop_of(kind) for kind in kinds]


def with_loop(layer: keras.layers.RNN, loop: Callable[..., Any]) -> Replacements:
    """Override ``RNN.inner_loop``, by which any model with such a layer can be traced with another recurrence."""
    loop_of(layer)
    return {"inner_loop": loop}


def without_input_check(layer: keras.layers.Layer) -> Replacements:
    """Let a layer that was built for a fixed number of steps take any: ``Layer._assert_input_compatibility``."""
    _internal(layer, "_assert_input_compatibility")
    return {"_assert_input_compatibility": _nothing}


def in_float32(layer: keras.layers.Layer) -> Replacements:
    """Override a mixed-precision policy: ``Layer._dtype_policy``, of which ``dtype_policy`` is made."""
    _internal(layer, "_dtype_policy")
    return {"_dtype_policy": keras.DTypePolicy("float32")}


def without_loop_masks(layer: keras.layers.RNN) -> Replacements:
    """Keep ``RNN.call`` from drawing dropout masks, which Keras 3.15 does at inference too."""
    _internal(layer, "_maybe_config_dropout_masks")
    return {"_maybe_config_dropout_masks": _nothing}


def without_cell_masks(cell: Any) -> Replacements:
    """Keep a cell from drawing dropout masks: ``DropoutRNNCell``, of which Keras's cells and ConvLSTM's are."""
    names = ("get_dropout_mask", "get_recurrent_dropout_mask")
    known = all(_internal(keras.layers.LSTMCell, name) for name in names)
    return dict.fromkeys(names, _nothing) if known and hasattr(cell, names[0]) else {}


def with_sign_test(test: Callable[[Any], Any]) -> tuple[Any, Replacements]:
    """Override ``signbit`` of Keras's backend, through which ``argmax`` and ``argmin`` tell -0.0 from 0.0.

    Read in ``keras.src.backend.tensorflow.numpy``: it looks at the bits of a float as an integer (``Bitcast``).
    """
    module = _internal("keras.src.backend.tensorflow", "numpy")
    _internal(module, "signbit")
    return module, {"signbit": test}


def _nothing(*_: Any) -> None:
    return None
