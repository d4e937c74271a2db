"""Rows on Bidirectional: merge modes, masks, states, and directions that do not match."""

from __future__ import annotations

from functools import partial

import keras

from tests.support.conformance.row import STEPS, UNITS, Row, each_cell, embedded, features, in_turn, tokens
from tests.support.keras_models import CELLS

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


def rows() -> list[Row]:
    """Every row of the module."""
    each = partial(each_cell, "Bidirectional")
    stacked, turned, other = "stacked, symbolic time", "forward layer with `go_backwards`", "`backward_layer` with:"
    return [
        *in_turn(*[_merged_rows(merge, "`merge_mode`:", mask=False) for merge in MERGE_MODES]),
        *in_turn(*[_merged_rows(merge, "masked, every `merge_mode`", mask=True) for merge in reversed(MERGE_MODES)]),
        *each("`return_state`, `initial_state`", _with_states, nodes=2),
        *in_turn(
            each(stacked, lambda cell: tokens(*_stack(cell), mask=True), name="masked", nodes=2),
            each(stacked, lambda cell: tokens(*_stack(cell), steps=None), name="symbolic time", length=STEPS, nodes=2),
        ),
        *each(
            "`zero_output_for_mask`",
            lambda cell: features(_both(cell, return_sequences=True, zero_output_for_mask=True), mask=0.0),
            nodes=1,
        ),
        *in_turn(
            each(turned, partial(_turned, mask=False)),
            each(turned, partial(_turned, mask=True), name="masked"),
        ),
        *in_turn(
            each(other, _other_units, name="other units"),
            each(other, _other_cell, name="another cell"),
            each(other, _other_activation, name="another activation"),
        ),
        *each("activation without a native form", lambda cell: features(_both(cell, activation="selu")), onnx="loop"),
    ]


def _merged_rows(merge: str | None, option: str, *, mask: bool) -> list[Row]:
    build = partial(_merged, merge=merge, mask=mask)
    return each_cell("Bidirectional", option, build, name=str(merge), nodes=2)


def _both(cell: str, *, merge: str | None = "concat", units: int = UNITS, **options: object) -> keras.layers.Layer:
    return keras.layers.Bidirectional(CELLS[cell](units, **options), merge_mode=merge)


def _stack(cell: str) -> list[keras.layers.Layer]:
    return [_both(cell, return_sequences=True), _both(cell, units=3)]


def _merged(cell: str, *, merge: str | None, mask: bool) -> keras.Model:
    """The same merge mode with the sequence and without it."""
    inputs, vectors = embedded(mask=mask)
    outputs = [_both(cell, merge=merge, return_sequences=sequences)(vectors) for sequences in (True, False)]
    return keras.Model(inputs, keras.tree.flatten(outputs))


def _with_states(cell: str) -> keras.Model:
    """A bidirectional encoder whose states start a bidirectional decoder."""
    source, read = embedded("source")
    target, written = embedded("target")
    encoded, *states = _both(cell, return_state=True)(read)
    decoded = _both(cell, return_sequences=True)(written, initial_state=states)
    return keras.Model([source, target], [decoded, encoded, *states])


def _turned(cell: str, *, mask: bool) -> keras.Model:
    forward = CELLS[cell](UNITS, return_sequences=True, go_backwards=True)
    backward = CELLS[cell](UNITS, return_sequences=True)
    return features(keras.layers.Bidirectional(forward, backward_layer=backward), mask=0.0 if mask else None)


def _against(cell: str, backward: keras.layers.Layer) -> keras.Model:
    forward = CELLS[cell](UNITS, return_sequences=True)
    return features(keras.layers.Bidirectional(forward, backward_layer=backward), mask=0.0)


def _other_units(cell: str) -> keras.Model:
    return _against(cell, CELLS[cell](3, return_sequences=True, go_backwards=True))


def _other_cell(cell: str) -> keras.Model:
    other = {"rnn": "lstm", "lstm": "gru", "gru": "rnn"}[cell]
    return _against(cell, CELLS[other](UNITS, return_sequences=True, go_backwards=True))


def _other_activation(cell: str) -> keras.Model:
    return _against(cell, CELLS[cell](UNITS, return_sequences=True, go_backwards=True, activation="relu"))
