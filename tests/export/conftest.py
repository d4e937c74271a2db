"""What the workshop's tests share: quiet TensorFlow, random models, conversion in this process."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

from deeprnn_export.targets.tflite import convert as tflite_conversion
from deeprnn_export.targets.tflite import converter_process as tflite_worker


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
