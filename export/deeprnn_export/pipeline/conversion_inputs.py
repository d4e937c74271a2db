"""Find what the conversions of a model need to know of it: shapes, tolerances, and Keras's answers to the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.tensors import TIME, StreamSpec, is_time
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.states import allocate, fill_initial
from deeprnn_export.datasets.labelled import Dataset
from deeprnn_export.parity.grid import GridCase, make_grid, read_sample, sample_grid
from deeprnn_export.parity.reference import KerasFailedError, keras_answers
from deeprnn_export.parity.tolerance import Tolerance, float32_tolerance
from deeprnn_export.parity.truth import with_truth
from deeprnn_export.parity.whole_answers import with_whole_answers
from deeprnn_export.pipeline.calibration import calibration_rows
from deeprnn_export.pipeline.loaded_model import LoadedModel
from deeprnn_export.pipeline.options import ExportOptions
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature
from deeprnn_export.streaming.plan import StreamPlan
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.target import Target
from deeprnn_export.tracing.inference_form import is_mixed
from deeprnn_export.tracing.overrides import count_recurrences

FREE_LENGTH = 100  # time steps of the parity grid where neither the model nor the caller states any


def make_conversion_inputs(
    loaded: LoadedModel,
    options: ExportOptions,
    plan: StreamPlan | None,
    dataset: Dataset | None,
    raw: Sequence[GridCase] = (),
) -> list[ConversionInput]:
    """Ask Keras the parity grid, fix the shapes of files that take one alone, and read what calibrates them.

    Args:
        plan: how the model streams.
        dataset: what the files are evaluated on.
        raw: cases of raw texts or values.

    Returns:
        One input for the conversions of the whole model, and with a plan one for its streaming twin, which takes
        ``chunk`` steps where shapes are fixed.

    Raises:
        InputError: where a shape stays open, and for a sample or calibration data that do not fit.
    """
    signature, rules, sample = loaded.signature, loaded.rules, options.sample
    fixing = next((target for target, _ in options.wanted if target.fixed_shapes), None)
    checked_sample = None if sample is None else read_sample(sample, signature)
    length = _grid_length(signature, rules, checked_sample, options.max_length)
    shapes = {} if fixing is None else _fixed_shapes(signature, checked_sample, length, fixing)
    rows = []
    if any(target.precisions[precision].is_calibrated for target, precision in options.wanted):
        rows = calibration_rows(
            options.calibration,
            signature=signature,
            rules=rules,
            shapes=shapes,
            saved_at=loaded.saved_at,
            dataset=dataset,
            sample=checked_sample,
        )
    # With the time axis free where there is a plan, so that one question serves both.
    asked = signature if plan is None else replace(signature, inputs=plan.spec.inputs)
    chunk = 1 if fixing is None else options.chunk
    if options.sample_only and checked_sample is not None:
        grid = sample_grid(checked_sample)
    else:
        grid = make_grid(asked, length=length or FREE_LENGTH, chunk=chunk, sample=checked_sample)
    grid += raw
    answering = signature if plan is None else plan.signature
    try:
        cases = keras_answers(
            loaded.model, answering, grid, carry=None if plan is None else plan.carry(), progress=options.progress
        )
    except KerasFailedError as error:
        raise InputError(f"{error}; give real rows and compare on them alone: sample= with sample_only=True") from error
    if any(target.precisions[precision].share is None for target, precision in options.wanted):
        carry = None if plan is None else plan.carry()
        cases = with_truth(cases, loaded.model, answering, carry=carry, progress=options.progress)
    if loaded.front is not None:
        cases = with_whole_answers(cases, loaded.front, [spec.name for spec in signature.outputs])
    if is_mixed(loaded.model):
        options.progress("the model computes in 16 bits; exported, and compared, in float32 with the same weights")
    given = Tolerance(options.atol, "set by the caller") if options.atol is not None else None
    whole = ConversionInput(
        model=loaded.model,
        signature=signature,
        cases=[case for case in cases if _fits(case, signature)],
        shapes=shapes,
        calibration=rows,
        tolerance=given or _tolerance(loaded.model, cases),
        max_difference=options.max_difference,
        overrides=options.tensors or {},
        outputs=signature.outputs,
        name=options.name or rules.name or loaded.model.name,
        prefix=options.c_prefix,
    )
    if plan is None:
        return [whole]
    streamed = [
        replace(case, inputs=case.inputs | initial_states(plan.spec, case), texts=(), values={}) for case in cases
    ]
    fixed = {} if fixing is None else _fixed_shapes(plan.signature, None, chunk, fixing)
    return [
        replace(whole, cases=whole.answers()),
        replace(whole, signature=plan.signature, cases=streamed, shapes=fixed, stream=plan),
    ]


def initial_states(spec: StreamSpec, case: Case) -> dict[str, NDArray[Any]]:
    """Make the states before the first step by name, ``(rows, ...)`` each."""
    _, arrays = allocate(spec.states, len(next(iter(case.inputs.values()))))
    fill_initial(arrays, spec.states)
    return arrays


def _fits(case: Case, signature: Signature) -> bool:
    """Return whether a case has the steps that the model was built for."""
    return all(
        isinstance(size, str) or size == given
        for spec in signature.inputs
        for size, given in zip(spec.shape, case.inputs[spec.name].shape, strict=True)
    )


def _tolerance(model: keras.Model, cases: Sequence[Case]) -> Tolerance:
    sequences = [array.shape[1] for case in cases for array in case.inputs.values() if array.ndim > 1]
    return float32_tolerance(count_recurrences(model), max(sequences, default=1))


def _grid_length(
    signature: Signature, rules: InputRules, sample: Mapping[str, NDArray[Any]] | None, max_length: int | None
) -> int | None:
    """Choose the time steps of the grid: the caller's, else the sample's, else what the device pads to."""
    free = next((spec for spec in signature.inputs if TIME in spec.shape), None)
    if max_length is None and sample is not None and free is not None:
        return int(sample[free.name].shape[free.shape.index(TIME)])
    return max_length or rules.preprocessing.max_length


def _fixed_shapes(
    signature: Signature, sample: Mapping[str, NDArray[Any]] | None, length: int | None, target: Target
) -> dict[str, tuple[int, ...]]:
    """Map each input's name to the one shape that a target's file takes: batch 1, every other axis a number."""
    shapes = {}
    for spec in signature.inputs:
        given = (
            (1, *sample[spec.name].shape[1:]) if sample else (1, *(length if is_time(s) else s for s in spec.shape[1:]))
        )
        if not all(isinstance(size, int) for size in given):
            raise InputError(
                f"input {spec.name!r} has the shape ({', '.join(map(str, spec.shape))}), and "
                f"{target.runtime.title} needs fixed axes: give max_length=, or a sample, or {target.way_out}"
            )
        shapes[spec.name] = tuple(int(size) for size in given if size is not None)
    return shapes
