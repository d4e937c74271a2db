"""Rows on recurrences beyond the three layers: cells in RNN, stacked cells, own cells, ConvLSTM."""

from __future__ import annotations

from functools import partial

import keras

from tests.support.conformance.custom_layers import LeakyGRU, MinimalCell, PeepholeCell, ScaledLSTM, TraceCell
from tests.support.conformance.row import STEPS, UNITS, Row, each_cell, embedded, features, in_turn, tokens

CELLS = {"rnn": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
layers = keras.layers


def rows() -> list[Row]:
    """Every row of the module."""
    each, own = partial(each_cell, "Custom recurrences"), partial(Row, "Custom recurrences", onnx="loop")
    plain, stacked = "`RNN(cell)` of Keras's cells", "`StackedRNNCells`, `RNN([cell, cell])`"
    yours, convolved = "`RNN(your cell)`", "ConvLSTM1D, ConvLSTM2D"
    rnn = layers.RNN
    return [
        *in_turn(
            each(plain, lambda cell: tokens(rnn(CELLS[cell](4))), nodes=1),
            each(plain, _masked_sequences, name="masked sequences", nodes=1),
        ),
        *in_turn(
            each(stacked, lambda cell: tokens(rnn(_cells(cell))), name="list", nodes=3),
            each(stacked, _stacked_masked, name="masked, states", nodes=3),
            each(
                stacked,
                lambda cell: features(rnn(layers.StackedRNNCells(_mixed(cell)), return_sequences=True)),
                name="mixed cells",
                nodes=3,
            ),
            each(stacked, lambda cell: features(layers.Bidirectional(rnn(_cells(cell)))), name="Bidirectional"),
        ),
        own(yours, "", lambda: tokens(rnn(MinimalCell(UNITS)))),
        own(yours, "", lambda: tokens(rnn(MinimalCell(UNITS)), mask=True), name="masked"),
        own(yours, "", _own_masked_sequences, name="masked sequences backwards"),
        own(yours, "", lambda: features(rnn(TraceCell(3))), name="two states, learned start"),
        own(
            yours,
            "",
            lambda: features(rnn(TraceCell(3), return_sequences=True), mask=0.0, steps=None),
            name="symbolic time",
            length=STEPS,
        ),
        own(yours, "", lambda: features(rnn([MinimalCell(UNITS), layers.GRUCell(3)])), name="stacked with Keras's"),
        own(yours, "", lambda: tokens(layers.Bidirectional(rnn(MinimalCell(3)))), name="Bidirectional"),
        own("`RNN(your cell, unroll=True)`", "", lambda: features(rnn(MinimalCell(4), unroll=True)), onnx="unrolled"),
        own("a subclass of Keras's cell", "lstm", lambda: features(rnn(PeepholeCell(UNITS)))),
        own("a subclass with its own recurrence", "gru", lambda: tokens(LeakyGRU(UNITS), mask=True)),
        own(
            "a subclass with its own `call` around Keras's recurrence",
            "lstm",
            lambda: tokens(ScaledLSTM(UNITS), mask=True),
            onnx="native",
            nodes=1,
        ),
        own(convolved, "", _signals, name="1D"),
        own(convolved, "", _films, name="2D"),
        own(convolved, "", lambda: _films(steps=None), name="2D, symbolic time", length=STEPS),
    ]


def _cells(cell: str) -> list[layers.Layer]:
    return [CELLS[cell](units) for units in (5, 4, 3)]


def _mixed(cell: str) -> list[layers.Layer]:
    others = [other for other in CELLS if other != cell]
    return [CELLS[cell](5), *[CELLS[other](units) for other, units in zip(others, (4, 3), strict=True)]]


def _masked_sequences(cell: str) -> keras.Model:
    layer = layers.RNN(CELLS[cell](UNITS), return_sequences=True, go_backwards=True, zero_output_for_mask=True)
    return features(layer, mask=0.0)


def _stacked_masked(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    outputs = layers.RNN(_cells(cell), return_sequences=True, return_state=True)(vectors)
    return keras.Model(inputs, keras.tree.flatten(outputs))


def _own_masked_sequences() -> keras.Model:
    layer = layers.RNN(MinimalCell(UNITS), return_sequences=True, go_backwards=True, zero_output_for_mask=True)
    return features(layer, layers.RNN(MinimalCell(3)), mask=0.0)


def _signals() -> keras.Model:
    return keras.Sequential(
        [keras.Input((STEPS, 6, 2), name="signals"), layers.ConvLSTM1D(3, 3, padding="same"), layers.Flatten()]
    )


def _films(steps: int | None = STEPS) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((steps, 5, 5, 1), name="films"),
            layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True),
            layers.ConvLSTM2D(2, 2),
        ]
    )
