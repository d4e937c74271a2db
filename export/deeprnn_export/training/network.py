"""Build stacked recurrent networks: one builder for the three cells.

A stack of L layers carries a sequence up as it carries its state forward. Layer l at step t computes

    h_t^l = f(W^l [h_t^(l-1), h_(t-1)^l] + b^l),    h_t^0 = x_t

from what the layer below says at this step and what it said itself at the last. What stands for f is
the cell's own:

- ``rnn``, Elman's (Cognitive Science 14, 1990): ``f = tanh``.
- ``lstm``, Hochreiter and Schmidhuber (Neural Computation 9, 1997), with the forget gate of Gers,
  Schmidhuber and Cummins (2000) and, in Keras, without their peepholes. One product gives all gates,
  ``i, f, g, o = sigmoid, sigmoid, tanh, sigmoid (W [x_t, h_(t-1)] + b)``; the state is a pair,
  ``c_t = f * c_(t-1) + i * g`` and ``h_t = o * tanh(c_t)``.
- ``gru``, Cho et al. (EMNLP 2014): ``z, r = sigmoid(W [x_t, h_(t-1)] + b)``, the candidate
  ``g = tanh(W_x x_t + b_x + r * (W_h h_(t-1) + b_h))`` and ``h_t = z * h_(t-1) + (1 - z) * g``. The reset
  gate after the product, with a bias of its own, is Keras's ``reset_after=True``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from deeprnn_edge.errors import InputError
from deeprnn_export.cells import CELLS, cell_named

Head = Literal["binary", "multiclass", "regression"]

MAX_LAYERS = 10
GRADIENT_NORM = 1.0
_LOSSES = {"binary": "binary_crossentropy", "multiclass": "sparse_categorical_crossentropy", "regression": "mse"}


def build_network(
    cell: str,
    *,
    units: Sequence[int] = (32, 16),
    vocabulary_size: int | None = 10_000,
    embedding_size: int = 32,
    features: int | None = None,
    steps: int | None = 100,
    mask: bool = False,
    bidirectional: bool = False,
    dropout: float = 0.0,
    head: Head = "binary",
    classes: int | None = None,
    learning_rate: float = 0.001,
    name: str | None = None,
) -> keras.Model:
    """Build a stacked network, compiled with Adam, the loss of its head, and accuracy (or mean absolute error).

    Takes ``(batch, steps)`` int32 ids in ``[0, vocabulary_size)``, the input ``tokens``; or, where ``features``
    is given, ``(batch, steps, features)`` float32, the input ``features``, and then there is no vocabulary.
    Gives ``(batch, 1)`` ``probability`` of the second class, ``(batch, classes)`` ``probabilities`` or
    ``(batch, 1)`` ``value``, float32.

    Args:
        units: one number for each recurrent layer, the lowest first; 1 to 10 layers.
        steps: time steps; None leaves the time axis free.
        mask: let steps of padding (id 0, or a vector of zeros) pass by without changing the state.
        bidirectional: each layer reads in both directions and hands on both, side by side.
        dropout: share of each recurrent layer's inputs that training sets to zero.
        classes: how many, for ``multiclass``.

    Raises:
        InputError: for an option that cannot be used.
    """
    _check_stack(cell, units, dropout)
    _check_head(head, classes, learning_rate)
    inputs, x = _bottom(vocabulary_size, embedding_size, features, steps, mask=mask)
    for index, width in enumerate(units, start=1):
        layer: Any = cell_named(cell).layer(
            width, return_sequences=index < len(units), dropout=dropout, name=f"{cell}_{index}"
        )
        x = (keras.layers.Bidirectional(layer, name=f"bidirectional_{cell}_{index}") if bidirectional else layer)(x)
    model = keras.Model(inputs, _top(head, classes)(x), name=name or f"{cell}_{'_'.join(map(str, units))}")
    model.compile(
        # Pascanu, Mikolov and Bengio (ICML 2013): the gradient through many steps now and then explodes, and one such
        # step undoes an epoch. Without it the accuracy of a SimpleRNN on reviews depends on the seed (0.69 to 0.76).
        optimizer=keras.optimizers.Adam(learning_rate, global_clipnorm=GRADIENT_NORM),
        loss=_LOSSES[head],
        metrics=["mae" if head == "regression" else "accuracy"],
    )
    return model


def _bottom(
    vocabulary_size: int | None, embedding_size: int, features: int | None, steps: int | None, *, mask: bool
) -> tuple[Any, Any]:
    """Make the input, and the ``(batch, steps, width)`` sequence that the lowest recurrent layer reads."""
    if steps is not None:
        _check_count("steps", steps)
    if features is not None:
        _check_count("features", features)
        inputs = keras.Input((steps, features), dtype="float32", name="features")
        return inputs, keras.layers.Masking(0.0, name="masking")(inputs) if mask else inputs
    if vocabulary_size is None:
        raise InputError("neither a vocabulary size nor features; give the one for ids or the other for vectors")
    _check_count("vocabulary size", vocabulary_size)
    _check_count("embedding size", embedding_size)
    inputs = keras.Input((steps,), dtype="int32", name="tokens")
    return inputs, keras.layers.Embedding(vocabulary_size, embedding_size, mask_zero=mask, name="embedding")(inputs)


def _top(head: Head, classes: int | None) -> keras.layers.Layer:
    if head == "multiclass":
        return keras.layers.Dense(classes, activation="softmax", name="probabilities")
    if head == "binary":
        return keras.layers.Dense(1, activation="sigmoid", name="probability")
    return keras.layers.Dense(1, name="value")


def _check_stack(cell: str, units: Sequence[int], dropout: float) -> None:
    if cell not in CELLS:
        raise InputError(f"unknown cell {cell!r}; there are {', '.join(CELLS)}")
    if not 1 <= len(units) <= MAX_LAYERS:
        raise InputError(f"{len(units)} recurrent layers; expected 1 to {MAX_LAYERS} numbers of units")
    for width in units:
        _check_count("units", width)
    if not 0 <= dropout < 1:
        raise InputError(f"dropout {dropout}; expected a share from 0 to below 1")


def _check_head(head: str, classes: int | None, learning_rate: float) -> None:
    if head not in _LOSSES:
        raise InputError(f"unknown head {head!r}; there are {', '.join(_LOSSES)}")
    if head == "multiclass" and (classes is None or classes < 2):
        raise InputError(f"the head 'multiclass' needs 2 or more classes, got {classes}")
    if head != "multiclass" and classes is not None:
        raise InputError(f"{classes} classes were given to the head {head!r}; only 'multiclass' counts classes")
    if not 0 < learning_rate < float("inf"):
        raise InputError(f"learning rate {learning_rate}; expected a positive number, such as 0.001")


def _check_count(what: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{what} {value!r}; expected a whole number from 1")
