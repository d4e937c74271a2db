"""Hold the way from raw values to an input against Keras's own layers or the scaler's formula, and make cases of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.feature_steps import ANY_COLUMNS, FeatureStep, RawInput
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError, ParityError
from deeprnn_edge.inputs.features import FeatureEncoder, make_feature_encoders
from deeprnn_edge.inputs.items import to_batch
from deeprnn_edge.parity.verify import VALUES_ATOL, values_apart
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.reading.feature_rules import FeatureRules
from deeprnn_export.reading.front import Front
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature

_ROWS, _STEPS = 3, 7  # of a made case, where the model takes any number
_MOST_CASES = 6


def make_value_cases(
    rules: InputRules, signature: Signature, given: Sequence[Any], front: Front | None, *, seed: int = 0
) -> list[GridCase]:
    """Turn raw values into cases of the gate, once the steps make of them what Keras or the scaler does.

    Args:
        rules: with the steps.
        signature: of the model.
        given: the caller's raw items of a model of one input; without any, some are made.
        front: what the model was split at.
        seed: of the values that are made.

    Raises:
        ParityError: where the steps make something else.
        InputError: for raw items that the steps do not take.
    """
    how = rules.preprocessing
    encoders = make_feature_encoders(how, signature.inputs)
    random = np.random.default_rng(seed)
    batch = signature.inputs[0].shape[0]
    count = batch if isinstance(batch, int) else _ROWS
    if len(signature.inputs) > 1:
        if len(given):
            raise InputError("sample_raw= is for models of one input; give this model's arrays as sample=")
        return [_of_several(encoders, signature, front, random, count)]
    (spec,), (encoder,) = signature.inputs, encoders.values()
    if not len(given) and encoder.raw.dtype == "any":
        return []  # which column holds words, and which numbers, only the caller knows
    groups = _by_shape(encoder, given) if len(given) else [_make_values(encoder.raw, random, count)]
    cases = []
    for number, values in enumerate(groups[:_MOST_CASES], start=1):
        rows = encoder.rows(list(values) if values.dtype == object else values)
        made = to_batch(rows, how, how.max_length or len(rows[0])).astype(spec.dtype)
        if isinstance(batch, int):
            rows_left = len(made) - len(made) % batch
            if not rows_left:
                continue
            made, values = made[:rows_left], values if rows_left == len(made) else values[:0]
        expected = _expected(rules.features, front, spec, values) if len(values) else made
        if expected is not None and expected.shape == made.shape:
            _require(made, expected, spec.name)
        cases.append(GridCase(f"raw values {number}" if number > 1 else "raw values", {spec.name: made},
                              values={spec.name: values} if len(values) else {}))  # fmt: skip
    return cases


def _expected(
    features: FeatureRules | None, front: Front | None, spec: TensorSpec, values: NDArray[Any]
) -> NDArray[Any] | None:
    """Return what the layer or the scaler's own formula makes of raw values; None where nothing else tells."""
    if front is not None:
        return front.splits[0].made(values)
    if features is None:
        return None
    result = values.astype(np.float64)
    if features.columns is not None:
        result = result[..., list(features.columns)]
    if features.scaler is not None:
        result = np.asarray(features.scaler.formula(result))
    if (window := features.raw.window) is not None:
        views = np.lib.stride_tricks.sliding_window_view(result, window.length or 1, axis=1)[:, :: window.hop]
        result = np.concatenate([np.moveaxis(view, -1, 1) for view in views])
    return result.astype(spec.dtype)


def _require(made: NDArray[Any], expected: NDArray[Any], name: str) -> None:
    worst = values_apart(made, expected)
    if worst > VALUES_ATOL:
        raise ParityError(
            f"raw values become others for the input {name!r} than Keras or the scaler makes of them, by {worst:.1e} "
            f"where {VALUES_ATOL:g} is allowed; nothing was exported"
        )


def _of_several(
    encoders: Mapping[str, FeatureEncoder],
    signature: Signature,
    front: Front | None,
    random: np.random.Generator,
    count: int,
) -> GridCase:
    """Make one case of a model of several inputs, some of them raw."""
    inputs: dict[str, NDArray[Any]] = {}
    values: dict[str, NDArray[Any]] = {}
    splits = {split.name: split for split in (front.splits if front else ())}
    for spec in signature.inputs:
        if spec.name in encoders:
            values[spec.name] = _make_values(encoders[spec.name].raw, random, count)
            inputs[spec.name] = encoders[spec.name].encode(values[spec.name]).astype(spec.dtype)
            if spec.name in splits:
                _require(inputs[spec.name], splits[spec.name].made(values[spec.name]), spec.name)
        else:
            shape = [count, *(size if isinstance(size, int) else _STEPS for size in spec.shape[1:])]
            whole = random.integers(0, spec.id_count or 2, shape)
            inputs[spec.name] = (random.normal(size=shape) if "float" in spec.dtype else whole).astype(spec.dtype)
    return GridCase("raw values", inputs, values=values)


def _by_shape(encoder: FeatureEncoder, given: Sequence[Any]) -> list[NDArray[Any]]:
    """Join the caller's items of one shape."""
    groups: dict[tuple[int, ...], list[NDArray[Any]]] = {}
    for index, item in enumerate(encoder.split(given)):
        try:
            array = encoder.read(item)
            encoder.encode(array)
        except InputError as error:
            raise InputError(f"item {index} of the raw samples: {error}") from error
        groups.setdefault(array.shape, []).append(array)
    return [np.stack(group) for group in groups.values()]


def _make_values(raw: RawInput, random: np.random.Generator, count: int) -> NDArray[Any]:
    """Make raw values ``(count, ...)`` that reach what the steps tell apart: categories, boundaries, usual numbers."""
    window = raw.window
    steps = _STEPS if window is None else (window.length or 1) + 2 * (window.hop or 1)
    wide = max((max(step.columns or (0,)) for step in raw.steps if step.step == "select"), default=0) + 2
    sizes = {ANY_COLUMNS: wide}
    shape = (count, *(size if isinstance(size, int) else sizes.get(size, steps) for size in raw.shape))
    first = raw.steps[0] if raw.steps else FeatureStep("scale", subtract=(0.0,), multiply=(1.0,))
    if first.step == "lookup":
        unknown: list[Any] = [] if first.unknown is None else ["never seen", "\u00e9"]
        if raw.dtype != "str":
            unknown = [] if first.unknown is None else [-(1 << 31), 1_999_999_999]
        words = [*(first.keys or ()), *unknown]
        picked = [words[place] for place in random.integers(0, len(words), int(np.prod(shape)))]
        return np.array(picked, object if raw.dtype == "str" else raw.dtype).reshape(shape)
    if first.step == "bins":
        edges = np.array(first.boundaries)
        pool = np.concatenate([edges, edges - 0.01, edges + 0.01, [edges[0] - 1e3, edges[-1] + 1e3, 0.0]])
        return random.choice(pool, shape).astype(raw.dtype)
    values = random.normal(0, 1.5, shape)
    scale = next((step for step in raw.steps if step.step == "scale"), None)
    if scale is not None:
        taken = next((list(step.columns or ()) for step in raw.steps if step.step == "select"), slice(None))
        add = 0.0 if scale.add is None else np.array(scale.add)
        values[..., taken] = (values[..., taken] - add) / np.array(scale.multiply) + np.array(scale.subtract)
    return values.astype(raw.dtype)
