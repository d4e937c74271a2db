"""Run the TFLite converter in this process: importing TensorFlow anew for each of a hundred models takes minutes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from deeprnn_export.targets.tflite import convert as conversion
from deeprnn_export.targets.tflite import converter, converter_process


def convert_here(patch: pytest.MonkeyPatch) -> None:
    """Convert here until the patch is undone, in place of a process for each file."""
    patch.setattr(conversion, "_convert_apart", _convert_here)
    patch.setattr(converter, "converting", nullcontext)


def _convert_here(
    _model: object, saved_model: Path, _target: Path, precision: str, samples: Path | None
) -> tuple[bytes, bool]:
    read = None if samples is None else converter_process.read_samples(str(samples))
    return converter_process.convert(str(saved_model), precision, read), True
