"""Say in one table what happens to each kind of layer, in every pass over a model that overrides layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
from keras import layers

from deeprnn_export.tracing.overrides import Override

# A layer and its path to what stands in place of its methods and attributes; empty where it stays as it is.
Action = Callable[[Any, str], Mapping[str, Any]]


class Row(NamedTuple):
    """Name what happens to the layers of one class; a pass whose column is empty leaves them as they are.

    Attributes:
        kind: the class.
        exact: a subclass may compute something else, so that a row below is for it.
        inference: in the form that is exported, in which Keras answers too (``tracing/inference_form.py``).
        reading: while a trace shows what reads the inputs (``reading/signature.py``).
        discovery: while a trace shows what a stream carries (``streaming/discovery.py``).
        trial: while layers are tried on parts of a sequence (``streaming/trial.py``).
        reference: while Keras answers for a stream (``streaming/reference_states.py``).
        truth: while a graph of Keras's own is traced for float64 (``parity/truth.py``).
        lowering: while a target's graph is traced (``lowering/lower.py``).
    """

    kind: type
    exact: bool
    inference: str
    reading: str
    discovery: str
    trial: str
    reference: str
    truth: str
    lowering: str


_ROWS = "rows at once"
# The first row that fits a layer is its own. The last one: every other layer, models too, and what is computed between
# the layers of a model.
TABLE = (
    Row(layers.RNN, False, "forget", "", "find states", "carry states", "record states", "", "run natively"),
    Row(layers.Conv1D, True, "plain", "", "find context", "carry context", "record context", "", "carry context"),
    Row(layers.Bidirectional, True, "plain", "", "refuse", "", "", "", "run both natively"),
    Row(layers.Bidirectional, False, "plain", "", "refuse", "", "", "", ""),
    Row(
        layers.TimeDistributed,
        True,
        "plain",
        "rows at once",
        "watch rows",
        "rows at once",
        "",
        "rows at once",
        "rows at once",
    ),
    Row(layers.Embedding, True, "plain", "note ids", "watch", "take any ids", "", "", "look up"),
    Row(layers.Embedding, False, "plain", "note ids", "watch", "take any ids", "", "", ""),
    Row(layers.Masking, False, "plain", "note ids", "watch", "", "", "", ""),
    Row(keras.Operation, False, "plain", "", "watch", "", "", "", ""),
)


def overrides_of(found: Mapping[Any, str], column: str, actions: Mapping[str, Action]) -> list[Override]:
    """Return what stands in place of layers' methods and attributes in one pass.

    Args:
        found: layers and operations, each with its path.
        column: the pass's.
        actions: what each word in the column means.
    """
    words = {layer: getattr(_row_of(layer), column) for layer in found}
    return [(layer, actions[word](layer, found[layer])) for layer, word in words.items() if word]


def _row_of(layer: Any) -> Row:
    return next(row for row in TABLE if type(layer) is row.kind or (not row.exact and isinstance(layer, row.kind)))
