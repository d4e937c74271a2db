"""Collect what a program in any language has to know: one example of the golden vectors, as flat arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.bundle.golden import Case, cases_for
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inference.stream_source import run_from_start, stream_spec
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.features import make_feature_encoders
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.runtimes import runtime_of
from deeprnn_edge.runtimes.artifacts import open_artifact, read_artifact

DTYPES = ("float32", "float64", "int32", "int64", "bool")
# All arrays together: a Java class makes them in one method of at most 64 kB of code, 8 bytes a number.
_MOST_NUMBERS = 4_000


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Tensor:
    """Hold one input with its numbers, or one output with those that are expected.

    Attributes:
        shape: of one call.
        numbers: flat, in the order of the calls; the first of ``count``, where that is too many to write down. Those of
            an input then repeat, and those of an output are all that is compared.
        count: how many all calls take or give.
        by_step: whether each call takes or gives the next of them, and not all at once.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    numbers: NDArray[Any]
    count: int
    by_step: bool = False

    @property
    def is_cut(self) -> bool:
        """Tell whether ``numbers`` are not all."""
        return self.numbers.size < self.count

    @property
    def step_size(self) -> int:
        """Return how many numbers one call takes or gives."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class State:
    """Hold what goes into a call, and comes out of it for the next one.

    Attributes:
        name, next_name: of the input and of the output.
        initial: what every element is before the first call.
    """

    name: str
    next_name: str
    dtype: str
    shape: tuple[int, ...]
    initial: float


@dataclass(frozen=True, eq=False)
class RawValues:
    """Hold the raw values that an input is made of.

    Attributes:
        how: the steps.
        values: of the rows of the example.
        into: the dtype of the input.
    """

    how: RawInput
    values: NDArray[Any]
    into: str = "float32"


@dataclass(frozen=True, eq=False)
class Example:
    """Hold one example, and its answer.

    Attributes:
        case: of the golden vectors.
        reference: whose answer it is.
        tolerance: the largest absolute difference to it that is allowed.
        steps: how many calls it takes; None for a model that takes the whole sequence in one.
        states: of a stream.
        raw: what inputs are made of, where the golden vectors have that for the example.
        delegates: whether the library may hand operators on to others, as the manifest says of the file.
    """

    case: str
    reference: str
    tolerance: float
    steps: int | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    states: tuple[State, ...]
    raw: tuple[RawValues, ...] = ()
    delegates: bool = True

    @property
    def fed(self) -> list[str]:
        """Return what a call takes, by name: the inputs, then the states."""
        return [*(tensor.name for tensor in self.inputs), *(state.name for state in self.states)]

    @property
    def answered(self) -> list[str]:
        """Return what a call gives, by name: the outputs, then the next states."""
        return [*(tensor.name for tensor in self.outputs), *(state.next_name for state in self.states)]


def make_example(bundle: Bundle, artifact: Artifact) -> Example:
    """Take the first of the golden vectors' smallest cases that the artifact takes, of a free batch its first row.

    Raises:
        BundleError: for a bundle without golden vectors, or without a case for this artifact.
        InputError: for a tensor of another dtype than ``DTYPES``.
        MissingExtraError: where only the file says how many steps it takes, and what reads it is not installed.
    """
    manifest = bundle.manifest
    stream = stream_spec(manifest, artifact) if artifact.kind == "stream" else None
    inputs, outputs = (stream.inputs, stream.outputs) if stream else (manifest.inputs, manifest.outputs)
    states = stream.states if stream else ()
    _check_dtypes([*inputs, *outputs, *states])
    if not all(map(math.isfinite, (artifact.parity.atol, *(state.initial for state in states)))):
        raise BundleError(f"the manifest has a tolerance or initial state of {artifact.path} that is not finite")
    runtime, chunk = runtime_of(artifact), artifact.chunk or 1
    case = _choose_case(bundle, artifact, inputs, outputs, states)
    batch = inputs[0].shape[0]
    rows = 1 if isinstance(batch, str) or runtime.fixes_shapes else batch
    given = {spec.name: feeds.check(case.inputs[spec.name], spec)[:rows] for spec in inputs}
    answer: Arrays = {spec.name: case.outputs[spec.name][:rows] for spec in outputs}
    most = _MOST_NUMBERS // (len(inputs) + len(outputs))
    reference, raw = "Keras", () if stream else _raw(bundle, case, given)
    if any(array.size > most for array in given.values()):
        raw = ()
        given = {spec.name: _repeat(given[spec.name], most, chunk * _is_by_step(spec, stream)) for spec in inputs}
        answer, reference = _run(bundle, artifact, stream, given), f"{runtime.library} in Python"
    return Example(
        case=case.name,
        reference=reference,
        tolerance=artifact.parity.atol,
        steps=None if stream is None else count_steps(inputs, given) // chunk,
        inputs=tuple(_tensor(spec, given[spec.name], most, chunk * _is_by_step(spec, stream)) for spec in inputs),
        outputs=tuple(_tensor(spec, answer[spec.name], most, chunk * _is_by_step(spec, stream)) for spec in outputs),
        states=tuple(
            State(one.name, one.next_name, one.dtype, (rows, *map(int, one.shape[1:])), one.initial) for one in states
        ),
        raw=raw,
        delegates=artifact.delegates,
    )


def _check_dtypes(specs: Iterable[TensorSpec | StateSpec]) -> None:
    for spec in specs:
        if spec.dtype not in DTYPES:
            raise InputError(
                f"{spec.name!r} is {spec.dtype}, and snippet writes programs for {', '.join(DTYPES)}; "
                "run this model from Python: deeprnn_edge.load(BUNDLE).run()"
            )


def _choose_case(
    bundle: Bundle,
    artifact: Artifact,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    states: Sequence[StateSpec],
) -> Case:
    names = [*(spec.name for spec in inputs), *(state.name for state in states)]
    answers, fixed = {spec.name for spec in outputs}, _fixed_shapes(bundle, artifact, inputs)
    found = [
        case
        for case in cases_for(names, bundle.golden_cases())
        if answers <= case.outputs.keys()
        and all(array.size and np.isfinite(array).all() for array in (*case.inputs.values(), *case.outputs.values()))
        and all(case.inputs[name].shape[1:] == shape for name, shape in fixed.items())
        and (artifact.kind != "stream" or count_steps(inputs, case.inputs) % (artifact.chunk or 1) == 0)
    ]
    if not found:
        raise BundleError(f"the golden vectors of {bundle.path} have no case for {artifact.path}; export it again")
    return min(found, key=lambda case: (not case.values, len(case.inputs[inputs[0].name])))


def _fixed_shapes(bundle: Bundle, artifact: Artifact, inputs: Sequence[TensorSpec]) -> dict[str, tuple[int | str, ...]]:
    """Return the shapes, batch aside, that the file alone states; it is read where the manifest leaves an axis free."""
    runtime = runtime_of(artifact)
    free = any(isinstance(size, str) for spec in inputs for size in spec.shape[1:])
    if artifact.kind == "stream" or not runtime.fixes_shapes or not free:
        return {}
    found = runtime.inspect(read_artifact(bundle, artifact), artifact.path)
    return {spec.name: spec.shape[1:] for spec in found.inputs}


def _raw(bundle: Bundle, case: Case, given: Arrays) -> tuple[RawValues, ...]:
    """Return the raw values of the example's rows, where the steps alone make its inputs of them: none is padded."""
    rules = bundle.manifest.preprocessing
    encoders = make_feature_encoders(rules, bundle.manifest.inputs)
    found = []
    for name, values in case.values.items():
        if name not in encoders:
            continue
        how, expected = encoders[name].raw, given[name]
        rows = values[: len(expected)]
        if how.window is not None:
            rows = rows[:, : how.window.length]
        made = encoders[name].encode(rows)
        if made.shape == expected.shape and np.allclose(made, expected, rtol=1e-6, atol=1e-6):
            found.append(RawValues(how, rows, expected.dtype.name))
    return tuple(found)


def _is_by_step(spec: TensorSpec, stream: StreamSpec | None) -> bool:
    return stream is not None and "time" in spec.shape


def _tensor(spec: TensorSpec, array: NDArray[Any], most: int, chunk: int) -> Tensor:
    flat = _in_order_of_calls(array, chunk).ravel()
    shape = (array.shape[0], chunk, *array.shape[2:]) if chunk else array.shape
    return Tensor(spec.name, spec.dtype, shape, flat[:most], flat.size, chunk > 0)


def _in_order_of_calls(array: NDArray[Any], chunk: int) -> NDArray[Any]:
    """Return rows of steps as calls of rows of ``chunk`` steps; with 0, where one call has all, the array itself."""
    return np.swapaxes(array.reshape(len(array), -1, chunk, *array.shape[2:]), 0, 1) if chunk else array


def _repeat(array: NDArray[Any], most: int, chunk: int) -> NDArray[Any]:
    """Repeat the array's first ``most`` numbers, in the order of the calls, over and over."""
    ordered = _in_order_of_calls(array, chunk)
    repeated = np.resize(ordered.ravel()[:most], ordered.shape)
    return np.ascontiguousarray(np.swapaxes(repeated, 0, 1).reshape(array.shape) if chunk else repeated)


def _run(bundle: Bundle, artifact: Artifact, stream: StreamSpec | None, given: Arrays) -> Arrays:
    session = open_artifact(bundle, artifact)
    return session.run(given) if stream is None else run_from_start(session, stream, None, given)
