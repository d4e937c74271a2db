"""What the conversions of a model need to know of it: shapes, tolerances, and Keras's answers to the grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.manifest import StreamSpec, TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.states import allocate, fill_initial
from deeprnn_export.datasets.catalogue import Dataset
from deeprnn_export.parity.gate import Tolerance, tolerance
from deeprnn_export.parity.grid import GridCase, make_grid, read_sample
from deeprnn_export.parity.precisions import CALIBRATED
from deeprnn_export.parity.raw_texts import with_whole_answers
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.pipeline.calibration import calibration_rows
from deeprnn_export.pipeline.subject import Subject
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature
from deeprnn_export.streaming.carry import Carry, nothing_carried
from deeprnn_export.streaming.plan import StreamPlan
from deeprnn_export.tracing.inference_form import is_mixed
from deeprnn_export.tracing.overrides import count_recurrences

FREE_LENGTH = 100  # time steps of the parity grid where neither the model nor the caller states any


@dataclass(frozen=True)
class Source:
    """The model, and what its conversions need to know.

    signature: inputs and outputs; of a stream its states too.
    cases: Keras's answers, by which ONNX weights are stored; shapes: TFLite's fixed ones, by input.
    calibration: feeds of one row each, of whole sequences, for TFLite's integer precisions.
    tolerance: of float32; max_difference: the caller's own bound for fewer bits.
    overrides: patterns of ONNX weights' names to the storage that they get.
    outputs: the model's own.
    stream: how it streams; None where it answers for whole sequences.
    """

    model: keras.Model
    signature: Signature
    cases: Sequence[Case]
    shapes: dict[str, tuple[int, ...]]
    calibration: Sequence[dict[str, NDArray[Any]]]
    tolerance: Tolerance
    max_difference: float | None
    overrides: Mapping[str, str]
    outputs: tuple[TensorSpec, ...]
    stream: StreamPlan | None = None

    def carry(self) -> Carry:
        """For one trace of the model."""
        return nothing_carried() if self.stream is None else self.stream.carry()

    def answers(self) -> list[Case]:
        """The cases with the model's outputs alone, without the states that a stream ends with."""
        names = [spec.name for spec in self.outputs]
        return [replace(case, outputs={name: case.outputs[name] for name in names}) for case in self.cases]


def make_sources(
    subject: Subject,
    wanted: Sequence[tuple[str, str]],
    *,
    plan: StreamPlan | None,
    chunk: int,
    sample: Any,
    max_length: int | None,
    calibration: Any,
    dataset: Dataset | None,
    atol: float | None,
    max_difference: float | None,
    overrides: Mapping[str, str],
    raw: Sequence[GridCase] = (),
    progress: Callable[[str], None],
) -> list[Source]:
    """Ask Keras the parity grid, fix TFLite's shapes, and read what calibrates it, as far as they are wanted.

    Of the model for whole sequences, and with a plan of its streaming twin, which takes ``chunk`` steps in TFLite.

    Raises InputError where a shape stays open, and for a sample or calibration data that do not fit.
    """
    signature, rules = subject.signature, subject.rules
    tflite = any(kind == "tflite" for kind, _ in wanted)
    checked_sample = None if sample is None else read_sample(sample, signature)
    length = _grid_length(signature, rules, checked_sample, max_length)
    shapes = _fixed_shapes(signature, checked_sample, length) if tflite else {}
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
    # With the time axis free where there is a plan, so that one question serves both.
    asked = signature if plan is None else replace(signature, inputs=plan.spec.inputs)
    grid = make_grid(asked, length=length or FREE_LENGTH, chunk=chunk if tflite else 1, sample=checked_sample)
    grid += raw
    answering = signature if plan is None else plan.signature
    cases = keras_answers(
        subject.model, answering, grid, carry=None if plan is None else plan.carry(), progress=progress
    )
    if subject.front is not None:
        cases = with_whole_answers(cases, subject.front, [spec.name for spec in signature.outputs])
    if is_mixed(subject.model):
        progress("the model computes in 16 bits; exported, and compared, in float32 with the same weights")
    whole = Source(
        model=subject.model,
        signature=signature,
        cases=[case for case in cases if _fits(case, signature)],
        shapes=shapes,
        calibration=rows,
        tolerance=_tolerance(subject.model, cases) if atol is None else Tolerance(atol, "set by the caller"),
        max_difference=max_difference,
        overrides=overrides,
        outputs=signature.outputs,
    )
    if plan is None:
        return [whole]
    streamed = [replace(case, inputs=case.inputs | initial_states(plan.spec, case), texts=()) for case in cases]
    fixed = _fixed_shapes(plan.signature, None, chunk) if tflite else {}
    return [
        replace(whole, cases=whole.answers()),
        replace(whole, signature=plan.signature, cases=streamed, shapes=fixed, stream=plan),
    ]


def initial_states(spec: StreamSpec, case: Case) -> dict[str, NDArray[Any]]:
    """By name, the states before the first step, ``(rows, ...)`` each."""
    _, arrays = allocate(spec.states, len(next(iter(case.inputs.values()))))
    fill_initial(arrays, spec.states)
    return arrays


def _fits(case: Case, signature: Signature) -> bool:
    """Whether a case has the steps that the model was built for."""
    return all(
        isinstance(size, str) or size == given
        for spec in signature.inputs
        for size, given in zip(spec.shape, case.inputs[spec.name].shape, strict=True)
    )


def _tolerance(model: keras.Model, cases: Sequence[Case]) -> Tolerance:
    sequences = [array.shape[1] for case in cases for array in case.inputs.values() if array.ndim > 1]
    return tolerance(count_recurrences(model), max(sequences, default=1))


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
