"""The fused LSTM keeps its state between calls: the session has to clear it."""

from __future__ import annotations

import numpy as np
import pytest

from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite
from deeprnn_export import build_network
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from tests.support.keras_models import randomised


@pytest.mark.usefixtures("convert_in_process")
def test_the_second_answer_equals_the_first() -> None:
    model = randomised(build_network("lstm", units=(5, 4), vocabulary_size=30, steps=6))
    content = convert_to_tflite(ConversionInput(model, read_signature(model), shapes={"tokens": (1, 6)})).content
    assert inspect_tflite(content, "m").recurrent == {"UNIDIRECTIONAL_SEQUENCE_LSTM": 2}
    session = open_session(content, kind="tflite", path="m")
    tokens = np.arange(12, dtype=np.int32).reshape(2, 6)
    first, second = session.run({"tokens": tokens}), session.run({"tokens": tokens})
    np.testing.assert_array_equal(first["probability"], second["probability"])
