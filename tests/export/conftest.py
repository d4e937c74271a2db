"""What the workshop's tests share: quiet TensorFlow, random models, conversion in this process."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from deeprnn_export import tflite_conversion, tflite_worker

CELLS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def randomised(model: keras.Model, *, scale: float = 0.3, seed: int = 0) -> keras.Model:
    """Every weight random, biases too: Keras starts biases at zero, which hides a bias in the wrong place."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed_generator" not in weight.path:
            weight.assign(random.normal(0, scale, weight.shape))
    return model


@pytest.fixture
def convert_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the TFLite converter here: importing TensorFlow anew for each of a hundred models takes minutes."""

    def convert(_model: object, saved_model: Path, _target: Path, precision: str, samples: Path | None) -> bytes:
        read = None if samples is None else tflite_worker.read_samples(str(samples))
        return tflite_worker.convert(str(saved_model), precision, read)

    monkeypatch.setattr(tflite_conversion, "_convert_apart", convert)


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    """Layer names that do not depend on which tests ran before."""
    keras.backend.clear_session()
