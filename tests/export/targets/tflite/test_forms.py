"""Which form a recurrence takes in TFLite, and that a masked loop which ends with its row answers as Keras does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite
from deeprnn_export import build_network
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite import steps as tflite_steps
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from tests.support.keras_models import CELLS, randomised

pytestmark = pytest.mark.usefixtures("convert_in_process")


def convert(model: keras.Model) -> bytes:
    signature = read_signature(model)
    (given,) = model.inputs
    shapes = {signature.inputs[0].name: (1, *given.shape[1:])}
    return convert_to_tflite(ConversionInput(model, signature, shapes=shapes)).content


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("cell", "units", "steps", "mask", "operator"),
    [
        ("lstm", 16, 20, False, "WHILE"),  # never the operator for all its steps, which keeps its state
        ("lstm", 32, 100, False, "WHILE"),
        ("lstm", 16, 20, True, "WHILE"),  # ends with the row
        ("gru", 16, 20, False, "WHILE"),
        ("rnn", 16, 20, True, "WHILE"),
    ],
)
def test_the_form_is_a_loop(cell: Any, units: int, steps: int, mask: bool, operator: str) -> None:
    model = build_network(cell, units=(units,), vocabulary_size=30, embedding_size=8, steps=steps, mask=mask)
    seen = inspect_tflite(convert(model), "m")
    assert seen.recurrent | seen.loops == {operator: 1}


@pytest.mark.one_in(12)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_a_row_of_any_length_is_answered_as_by_keras(
    cell: Any, return_sequences: bool, nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 25 steps: five ahead of the loop and two turns of ten, so that every length ends elsewhere in a turn. Or one
    # ahead, and four turns which are loops of three turns of two steps.
    if nested:
        for name, value in {"UNROLLED_STEPS": 2, "BLOCK_TURNS": 2, "NESTED_TURNS": 4}.items():
            monkeypatch.setattr(tflite_steps, name, value)
    steps, layer = 25, CELLS[cell]
    tokens = keras.Input((steps,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(30, 6, mask_zero=True)(tokens)
    x = layer(4, return_sequences=True)(x)
    model = randomised(keras.Model(tokens, layer(3, return_sequences=return_sequences)(x)))
    content = convert(model)
    assert inspect_tflite(content, "m").loops["WHILE"] == (4 if nested else 2)
    session = open_session(content, kind="tflite", path="m")
    random = np.random.default_rng(0)
    rows = random.integers(1, 30, (3 * (steps + 1), steps), dtype=np.int32)
    for length in range(steps + 1):
        rows[3 * length, length:] = 0
        rows[3 * length + 1, : steps - length] = 0
        rows[3 * length + 2, random.permutation(steps)[length:]] = 0
    (answers,) = session.run({"tokens": rows}).values()
    np.testing.assert_allclose(answers, np.asarray(model(rows)), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("units", "steps_of_a_turn"), [(16, 10), (128, 2), (256, 1)])
def test_larger_layers_take_fewer_steps_a_turn(units: int, steps_of_a_turn: int) -> None:
    model = build_network("lstm", units=(units,), vocabulary_size=30, embedding_size=4, steps=40, mask=True)
    operators = inspect_tflite(convert(model), "m").operators
    # One product with the input of all steps, one a step, and the head's.
    assert operators["FULLY_CONNECTED"] == 2 + steps_of_a_turn
