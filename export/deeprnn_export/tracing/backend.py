"""See to it that Keras computes with TensorFlow, which the workshop traces with."""

from __future__ import annotations

import os
import sys

from deeprnn_edge.errors import InputError

_NAME = "tensorflow"
_VARIABLE = "KERAS_BACKEND"  # Keras reads it once, when it is imported, before its own file of settings


def use_tensorflow() -> None:
    """Choose TensorFlow for a process of our own: a saved model is the same for every backend of Keras."""
    os.environ[_VARIABLE] = _NAME


def require_tensorflow() -> None:
    """Check the backend of somebody else's process.

    Raises:
        InputError: where Keras computes, or would compute, with another.
    """
    keras = sys.modules.get("keras")
    backend = (
        keras.backend.backend()
        if keras is not None and hasattr(keras, "backend")
        else os.environ.get(_VARIABLE) or _NAME
    )
    if backend != _NAME:
        raise InputError(
            f"Keras computes with {backend} here, and models are exported and trained with TensorFlow: set {_VARIABLE}="
            f"{_NAME} before Keras is imported; a model that was saved with {backend} loads there as well"
        )
