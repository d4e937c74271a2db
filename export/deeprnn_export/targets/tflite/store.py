"""Convert a model to TFLite in fewer bits, which its converter chooses while it converts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deeprnn_export.lowering.target import Conversion
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite import TARGET
from deeprnn_export.targets.tflite.calibration import calibration_steps
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from deeprnn_export.targets.weights import check_matrices


def store_weights(given: ConversionInput, precision: str, exact: Callable[[], Conversion], *_unused: Any) -> Conversion:
    """Convert a model in one of the smaller precisions.

    Args:
        exact: makes the file in float32, which a stream's calibration runs.

    Raises:
        UnsupportedModelError: for a weight that no such number can hold, and for what does not convert.
    """
    check_matrices(given.model, precision, way_out="export with formats=('onnx',) and tensors=")
    if TARGET.precisions[precision].is_calibrated and given.stream is not None:
        steps = calibration_steps(exact(), given.stream.spec, given.calibration)
        given = replace(given, calibration=steps)
    return convert_to_tflite(given, precision)
