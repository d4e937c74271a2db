"""Hold what a target needs to know of a model that it converts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_export.parity.tolerance import Tolerance
from deeprnn_export.reading.signature import Signature
from deeprnn_export.streaming.carry import Carry, nothing_carried
from deeprnn_export.streaming.plan import StreamPlan

# TensorFlow's guide to post-training quantization suggests 100 to 500.
CALIBRATION_ROWS = 200


@dataclass(frozen=True)
class ConversionInput:
    """Hold a model, for whole sequences or streaming, and what its conversions need to know.

    Attributes:
        signature: inputs and outputs; of a stream its states too.
        cases: Keras's answers to the parity grid.
        shapes: input name to the shape of a format that takes one alone, ``(1, ...)``.
        calibration: at most ``CALIBRATION_ROWS`` feeds of one row each, of whole sequences.
        tolerance: of float32.
        max_difference: the caller's own bound for fewer bits.
        overrides: patterns of weights' names to the storage that they get.
        outputs: the model's own.
        stream: how it streams; None where it answers for whole sequences.
        name: the model's, for people.
        prefix: what the names in source code begin with; None for one made of the model's name.
    """

    model: keras.Model
    signature: Signature
    cases: Sequence[Case] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    calibration: Sequence[dict[str, NDArray[Any]]] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    max_difference: float | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[TensorSpec, ...] = ()
    stream: StreamPlan | None = None
    name: str = "model"
    prefix: str | None = None

    def carry(self) -> Carry:
        """Make the carried states of one trace of the model."""
        return nothing_carried() if self.stream is None else self.stream.carry()

    def answers(self) -> list[Case]:
        """Return the cases with the model's outputs alone, without the states that a stream ends with."""
        names = [spec.name for spec in self.outputs]
        return [replace(case, outputs={name: case.outputs[name] for name in names}) for case in self.cases]
