"""A file answers the same each time in a plain interpreter, which resets nothing between two questions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from tests.support.keras_models import CELLS, randomised


@pytest.mark.one_in(6)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("both_ways", [False, True])
def test_the_same_question_has_the_same_answer(cell: Any, mask: bool, both_ways: bool) -> None:
    first, second = CELLS[cell](5, return_sequences=True), CELLS[cell](4)
    layers = [keras.layers.Bidirectional(first) if both_ways else first, second]
    table = keras.layers.Embedding(30, 4, mask_zero=mask)
    model = randomised(keras.Sequential([keras.Input((6,), dtype="int32", name="tokens"), table, *layers]))
    content = convert_to_tflite(ConversionInput(model, read_signature(model), shapes={"tokens": (1, 6)})).content
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()

    def ask(row: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], row)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(answer["index"]))

    one, other = np.arange(1, 13, dtype=np.int32).reshape(2, 1, 6)
    right = ask(one)
    np.testing.assert_allclose(right, np.asarray(model(one)), rtol=0, atol=1e-5)
    assert np.array_equal(ask(one), right)
    assert not np.array_equal(ask(other), right)
    assert np.array_equal(ask(one), right)
