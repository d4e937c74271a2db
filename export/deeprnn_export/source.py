"""What the conversions of a model need to know of it: shapes, tolerances, and Keras's answers to the grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_edge.golden import Case
from deeprnn_export.calibration import calibration_rows
from deeprnn_export.datasets import Dataset
from deeprnn_export.gate import Tolerance, tolerance
from deeprnn_export.grid import make_grid, read_sample
from deeprnn_export.inference_form import is_mixed
from deeprnn_export.input_rules import InputRules
from deeprnn_export.precisions import CALIBRATED
from deeprnn_export.reference import keras_answers
from deeprnn_export.seam import layer_paths
from deeprnn_export.signature import Signature
from deeprnn_export.subject import Subject

FREE_LENGTH = 100  # time steps of the parity grid where neither the model nor the caller states any


@dataclass(frozen=True)
class Source:
    """The model, and what its conversions need to know.

    cases: Keras's answers, by which ONNX weights are stored; shapes: TFLite's fixed ones, by input.
    calibration: feeds of one row each, for TFLite's integer precisions.
    tolerance: of float32; max_difference: the caller's own bound for fewer bits.
    overrides: patterns of ONNX weights' names to the storage that they get.
    """

    model: keras.Model
    signature: Signature
    cases: Sequence[Case]
    shapes: dict[str, tuple[int, ...]]
    calibration: Sequence[dict[str, NDArray[Any]]]
    tolerance: Tolerance
    max_difference: float | None
    overrides: Mapping[str, str]


def make_source(
    subject: Subject,
    wanted: Sequence[tuple[str, str]],
    *,
    sample: Any,
    max_length: int | None,
    calibration: Any,
    dataset: Dataset | None,
    atol: float | None,
    max_difference: float | None,
    overrides: Mapping[str, str],
    progress: Callable[[str], None],
) -> Source:
    """Ask Keras the parity grid, fix TFLite's shapes, and read what calibrates it, as far as they are wanted.

    Raises InputError where a shape stays open, and for a sample or calibration data that do not fit.
    """
    signature, rules = subject.signature, subject.rules
    checked_sample = None if sample is None else read_sample(sample, signature)
    length = _grid_length(signature, rules, checked_sample, max_length)
    shapes = _fixed_shapes(signature, checked_sample, length) if any(kind == "tflite" for kind, _ in wanted) else {}
    rows = []
    if any(precision in CALIBRATED for _, precision in wanted):
        rows = calibration_rows(
            calibration,
            signature=signature,
            rules=rules,
            shapes=shapes,
            saved_at=subject.saved_at,
            dataset=dataset,
            sample=checked_sample,
        )
    grid = make_grid(signature, length=length or FREE_LENGTH, sample=checked_sample)
    cases = keras_answers(subject.model, signature, grid, progress=progress)
    if is_mixed(subject.model):
        progress("the model computes in 16 bits; exported, and compared, in float32 with the same weights")
    return Source(
        model=subject.model,
        signature=signature,
        cases=cases,
        shapes=shapes,
        calibration=rows,
        tolerance=_tolerance(subject.model, cases) if atol is None else Tolerance(atol, "set by the caller"),
        max_difference=max_difference,
        overrides=overrides,
    )


def _tolerance(model: keras.Model, cases: Sequence[Case]) -> Tolerance:
    layers = layer_paths(model)
    # The two directions of a bidirectional layer stand beside each other.
    both = sum(isinstance(layer, keras.layers.Bidirectional) for layer in layers)
    recurrences = sum(isinstance(layer, keras.layers.RNN) for layer in layers) - both
    sequences = [array.shape[1] for case in cases for array in case.inputs.values() if array.ndim > 1]
    return tolerance(recurrences, max(sequences, default=1))


def _grid_length(
    signature: Signature, rules: InputRules, sample: Mapping[str, NDArray[Any]] | None, max_length: int | None
) -> int | None:
    """Time steps of the grid: the caller's, else the sample's, else what the device pads to."""
    free = next((spec for spec in signature.inputs if "time" in spec.shape), None)
    if max_length is None and sample is not None and free is not None:
        return int(sample[free.name].shape[free.shape.index("time")])
    return max_length or rules.preprocessing.max_length


def _fixed_shapes(
    signature: Signature, sample: Mapping[str, NDArray[Any]] | None, length: int | None
) -> dict[str, tuple[int, ...]]:
    """Input name to TFLite's shape: batch 1, every other axis a number."""
    shapes = {}
    for spec in signature.inputs:
        given = (
            (1, *sample[spec.name].shape[1:])
            if sample
            else (1, *(length if s == "time" else s for s in spec.shape[1:]))
        )
        if not all(isinstance(size, int) for size in given):
            raise InputError(
                f"input {spec.name!r} has the shape ({', '.join(map(str, spec.shape))}), and TFLite needs fixed axes: "
                "give --max-length, or a sample, or export with --format onnx alone"
            )
        shapes[spec.name] = tuple(int(size) for size in given if size is not None)
    return shapes
