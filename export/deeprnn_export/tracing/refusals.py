"""Refuse a model by its layer's name: from a scope of the traced graph back to the user's model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from deeprnn_edge.errors import DeepRNNEdgeError, UnsupportedModelError
from deeprnn_export.tracing.overrides import layer_paths


def lacks_operator(model: keras.Model, operator: str, scope: str, *, lacks: str, way_out: str) -> UnsupportedModelError:
    """Make the refusal of an operator that a format does not have.

    Args:
        scope: the node's name in the traced graph, such as ``model_1/encoder_1/odd_1/Lgamma``.
        lacks, way_out: the format's own texts.
    """
    return UnsupportedModelError(
        f"{layer_along(model, scope)} computes with TensorFlow's {operator}: {lacks}; "
        f"express the layer with other operations, or {way_out}"
    )


def layer_along(model: keras.Model, scope: str) -> str:
    """Name the innermost layer whose path lies along a scope of the traced graph; Keras numbers repeated names."""
    found = f"the model {model.name!r}"
    parts = scope.split("/")
    for layer, path in layer_paths(model).items():
        rest = iter(parts)
        if all(any(re.fullmatch(rf"{re.escape(name)}(_\d+)?", part) for part in rest) for name in path.split("/")):
            found = f"layer {path!r} ({type(layer).__name__})"
    return found


def told_lines(error: BaseException) -> list[str]:
    """Return the lines of an exception's message, without empty ones and without the colours that Keras writes."""
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(error).splitlines()]
    return [line for line in lines if line]


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn an exception of Keras or a converter about a user's model into a refusal of one line."""
    try:
        yield
    except DeepRNNEdgeError:
        raise
    except Exception as error:
        reason = " ".join(told_lines(error)[:2]) or type(error).__name__
        raise UnsupportedModelError(f"{what}: {reason[:400]}") from error
