"""Rows on the cells themselves: biases, GRU's reset gate, every activation of Keras."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from tests.support.conformance.row import FEATURES, Row, each_cell, features, in_turn, stack, tokens
from tests.support.keras_models import CELLS

NATIVE = (
    "tanh", "sigmoid", "relu", "softplus", "softsign", "elu", "celu", "leaky_relu", "hard_sigmoid", "linear",
)  # fmt: skip
LOOPED = (
    "exponential", "gelu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "mish", "relu6",
    "selu", "silu", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
    "tanh_shrink",
)  # fmt: skip
ACROSS_UNITS = ("log_softmax", "softmax", "sparsemax")
# So that three steps neither end in zeros nor grow beyond what 1e-5 can be asked of.
_SCALES = {
    "exponential": 0.1, "log_softmax": 0.1, "linear": 0.3, "hard_shrink": 0.3, "soft_shrink": 0.35, "log_sigmoid": 0.4,
    "selu": 0.4, "tanh_shrink": 0.4, "softmax": 1.2, "sparsemax": 1.2,
}  # fmt: skip


def rows() -> list[Row]:
    """Every row of the module."""
    each, activated = partial(each_cell, "Cells"), partial(each_cell, "Activations", "your own:", onnx="loop")
    return [
        *each("with bias", lambda cell: features(*stack(cell, 1)), nodes=1),
        *each("`use_bias=False`", lambda cell: tokens(*stack(cell, 2, use_bias=False), mask=True), nodes=2),
        *[
            row
            for choice in (True, False)
            for row in each(
                "`reset_after`:",
                lambda cell, choice=choice: tokens(*stack(cell, 2, reset_after=choice), mask=choice),
                name=str(choice),
                cells=["gru"],
                nodes=2,
            )
        ],
        *each(
            "`use_bias=False`",
            lambda cell: features(*stack(cell, 1, reset_after=False, use_bias=False)),
            name="reset_after=False",
            cells=["gru"],
            nodes=1,
        ),
        *in_turn(*[_activation(name, "in native nodes:") for name in NATIVE]),
        *in_turn(*[_activation(name, "without a native form:", onnx="loop") for name in LOOPED]),
        # Gates that stand side by side in one product must not become one another's neighbours here.
        *in_turn(*[_activation(name, "over the units:", onnx="loop") for name in ACROSS_UNITS]),
        *in_turn(
            activated(partial(_activated, activation=_cubic), name="a function"),
            activated(lambda cell: _activated(cell, keras.layers.LeakyReLU(0.3)), name="a layer"),
        ),
    ]


def _activation(name: str, option: str, **fields: Any) -> list[Row]:
    return each_cell(
        "Activations",
        option,
        partial(_activated, activation=name),
        name=name,
        scale=_SCALES.get(name, 0.5),
        nodes=0 if fields else 2,
        **fields,
    )


def _activated(cell: str, activation: object) -> keras.Model:
    """The activation of one layer, and beside it of another one's gates where the cell has gates."""
    inputs = keras.Input((3, FEATURES), name="features")
    gates = "activation" if cell == "rnn" else "recurrent_activation"
    return keras.Model(
        inputs,
        [
            CELLS[cell](6, return_sequences=True, activation=activation)(inputs),
            CELLS[cell](6, **{gates: activation})(inputs),
        ],
    )


def _cubic(x: object) -> object:
    return keras.ops.tanh(x) ** 3
