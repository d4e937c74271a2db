"""Rows on dtypes and policies, on models from a GPU machine, and on what is refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from tests.support.conformance.row import FEATURES, STEPS, UNITS, Row, each_cell, features, in_turn, stack, tokens
from tests.support.keras_models import CELLS

GROUP = "Inputs and policies"
REFUSED = "Refused by name"
layers = keras.layers


def rows() -> list[Row]:
    """Every row of the module."""
    return [
        *in_turn(
            *[
                each_cell(
                    GROUP,
                    "ids as:",
                    lambda cell, dtype=dtype: tokens(*stack(cell, 1), mask=True, dtype=dtype),
                    name=dtype,
                    nodes=1,
                )
                for dtype in ("int32", "int64", "float32")
            ]
        ),
        *each_cell(GROUP, "float features", lambda cell: features(*stack(cell, 2), mask=-1.0), nodes=2),
        *[
            row
            for choice, kinds in ((True, ["lstm", "gru"]), (False, ["lstm"]), ("auto", ["gru"]))
            for row in each_cell(
                GROUP,
                "`use_cudnn`:",
                partial(_cudnn, choice=choice),
                cells=kinds,
                twin=partial(_cudnn, choice="auto"),
                name=str(choice),
                repeats=choice is not True,
                nodes=1,
            )
        ],
        *in_turn(
            *[
                each_cell(
                    GROUP,
                    "in float32, from the policies:",
                    partial(_policy, policy=policy),
                    name=policy,
                    twin=partial(_policy, policy="float32"),
                    nodes=3,
                )
                for policy in ("mixed_float16", "mixed_bfloat16")
            ]
        ),
        *each_cell(
            REFUSED,
            "`float64` policy",
            lambda cell: features(CELLS[cell](UNITS, dtype="float64", name="wide")),
            onnx="refused",
            tflite="refused",
            blames="wide",
            reason="its weights are not float32",
        ),
        Row(
            REFUSED,
            "no recurrent layer",
            "",
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="flat"),
            onnx="refused",
            tflite="refused",
            blames="flat",
            reason="tf2onnx or `model.export` suits it better",
        ),
        Row(
            REFUSED,
            "dropout at inference: `Dropout()(x, training=True)` in a layer",
            "",
            _random,
            onnx="refused",
            tflite="refused",
            repeats=False,
            blames="uncertain",
            reason="its answers are random",
        ),
    ]


def _cudnn(cell: str, *, choice: bool | str) -> keras.Model:
    return tokens(CELLS[cell](UNITS, use_cudnn=choice), mask=True)


def _policy(cell: str, *, policy: str) -> keras.Model:
    """Every layer in the policy, a bidirectional one and an embedding among them."""
    return keras.Sequential(
        [
            keras.Input((STEPS,), dtype="int32", name="tokens"),
            layers.Embedding(20, FEATURES, mask_zero=True, dtype=policy),
            layers.Bidirectional(CELLS[cell](3, return_sequences=True, dtype=policy), dtype=policy),
            layers.LayerNormalization(dtype=policy),
            CELLS[cell](UNITS, return_sequences=True, dtype=policy),
            CELLS[cell](UNITS, dtype=policy),
            layers.Dense(2, dtype=policy),
        ]
    )


class Uncertain(layers.Layer):
    """Drops at inference too, to sample from the model's uncertainty."""

    def __init__(self) -> None:
        super().__init__(name="uncertain")
        self.drop = layers.Dropout(0.5)

    def call(self, inputs: Any) -> Any:
        return self.drop(inputs, training=True)


def _random() -> keras.Model:
    return features(Uncertain(), layers.LSTM(UNITS))
