"""Choose the arrays that a benchmark times: rows of the bundle's golden vectors, else seeded random ones.

Rows with a padding step are left out: a masked model skips such steps, and would seem faster than it is
on a full sequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import GOLDEN, Bundle
from deeprnn_edge.bundle.golden import Case, cases_for
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec, is_time
from deeprnn_edge.errors import InputError

DEFAULT_LENGTH = 100  # time steps where neither the bundle nor the caller states any


@dataclass(frozen=True)
class BenchInputs:
    """Hold what every entry runs.

    Attributes:
        feeds: the model's inputs by name.
        expected: Keras's answers to them, where they come from the golden vectors; else empty.
        length: time steps; None for a model without a time axis.
    """

    feeds: dict[str, NDArray[Any]]
    source: Literal["golden", "random"]
    length: int | None
    expected: dict[str, NDArray[Any]] = field(default_factory=dict)


def choose_inputs(
    bundle: Bundle,
    *,
    batch: int,
    length: int | None,
    fixed_shapes: Sequence[Mapping[str, tuple[int, ...]]] = (),
    seed: int = 0,
) -> BenchInputs:
    """Return inputs of ``batch`` rows and ``length`` time steps.

    Args:
        bundle: whose model takes them.
        batch: rows.
        length: None for what the bundle pads to, else what the entries' fixed shapes take, else 100 steps.
        fixed_shapes: of each entry, input name to the only shape that it takes.
        seed: of the random inputs, where the golden vectors have no rows that fit.

    Raises:
        InputError: for a batch or a length that the model does not take.
    """
    specs, rules = bundle.manifest.inputs, bundle.manifest.preprocessing
    _check_batch(specs, batch)
    length = _resolve_length(specs, rules, length, fixed_shapes)
    cases = bundle.golden_cases() if bundle.has(GOLDEN) else []  # a packed bundle may have none
    rows = _golden_rows(cases_for([spec.name for spec in specs], cases), bundle, length)
    if rows:
        cycled = [rows[index % len(rows)] for index in range(batch)]
        return BenchInputs(
            feeds={spec.name: np.concatenate([row.inputs[spec.name] for row in cycled]) for spec in specs},
            source="golden",
            length=length,
            expected={name: np.concatenate([row.outputs[name] for row in cycled]) for name in rows[0].outputs},
        )
    return BenchInputs(random_inputs(specs, batch=batch, length=length, seed=seed), "random", length)


def random_inputs(specs: Sequence[TensorSpec], *, batch: int, length: int | None, seed: int) -> dict[str, NDArray[Any]]:
    """Make seeded inputs: ids above the lowest, floats of the standard normal distribution; no step is padding.

    Args:
        specs: of the inputs.
        batch: rows.
        seed: of the random numbers.
        length: time steps where they are free; None for 100.

    Returns:
        Input name to array.

    Raises:
        InputError: for what does not fit the memory.
    """
    random = np.random.default_rng(seed)
    return {spec.name: _random(random, spec, batch, length) for spec in specs}


def _check_batch(specs: Sequence[TensorSpec], batch: int) -> None:
    for spec in specs:
        if isinstance(spec.shape[0], int) and spec.shape[0] != batch:
            raise InputError(f"batch {batch}: the model's input {spec.name!r} has the fixed batch {spec.shape[0]}")


def _resolve_length(
    specs: Sequence[TensorSpec],
    rules: Preprocessing,
    length: int | None,
    fixed_shapes: Sequence[Mapping[str, tuple[int, ...]]],
) -> int | None:
    free = [(spec.name, axis) for spec in specs for axis, size in enumerate(spec.shape) if is_time(size)]
    if free:
        fixed = [shapes[name][axis] for shapes in fixed_shapes for name, axis in free if name in shapes]
        return length or rules.max_length or next(iter(fixed), DEFAULT_LENGTH)
    stated = {spec.name: spec.shape[1] for spec in specs if len(spec.shape) > 1}
    if length is not None and length not in stated.values():
        shapes = ", ".join(f"{spec.name} ({', '.join(map(str, spec.shape))})" for spec in specs)
        raise InputError(
            f"length {length}: the model's time axis is fixed; its input is {shapes}. "
            "Leave the length out, or export a model with a free time axis"
        )
    return next((size for size in stated.values() if isinstance(size, int)), None)


def _golden_rows(cases: Sequence[Case], bundle: Bundle, length: int | None) -> list[Case]:
    """Return the rows without padding of the cases that fit, each as a case of one row."""
    specs, rules = bundle.manifest.inputs, bundle.manifest.preprocessing
    rows: list[Case] = []
    for case in cases:
        if not all(_fits(case.inputs[spec.name].shape, spec, length) for spec in specs):
            continue
        arrays = [*case.inputs.values(), *case.outputs.values()]
        count = len(arrays[0])
        if any(not array.ndim or len(array) != count for array in arrays):
            continue
        for row in range(count):
            if not any(_padded(case.inputs[spec.name][row], spec, rules) for spec in specs):
                inputs = {spec.name: case.inputs[spec.name][row : row + 1] for spec in specs}
                rows.append(
                    Case(case.name, inputs, {name: value[row : row + 1] for name, value in case.outputs.items()})
                )
    shape = {name: value.shape for name, value in rows[0].inputs.items()} if rows else {}
    return [row for row in rows if {name: value.shape for name, value in row.inputs.items()} == shape]


def _fits(shape: tuple[int, ...], spec: TensorSpec, length: int | None) -> bool:
    if len(shape) != len(spec.shape):
        return False
    wanted = (length if is_time(size) else size for size in spec.shape[1:])
    return all(isinstance(want, str) or want == size for want, size in zip(wanted, shape[1:], strict=True))


def _padded(row: NDArray[Any], spec: TensorSpec, rules: Preprocessing) -> bool:
    """Tell whether a step of ``(time,)`` ids or ``(time, features)`` is padding."""
    if spec.id_count is not None:
        return bool((row == rules.pad_id).any())
    return row.ndim == 2 and bool((row == rules.pad_value).all(axis=1).any())


def _random(random: np.random.Generator, spec: TensorSpec, batch: int, length: int | None) -> NDArray[Any]:
    free = length or DEFAULT_LENGTH
    shape = [batch, *((free if is_time(size) else 1) if isinstance(size, str) else size for size in spec.shape[1:])]
    try:
        if spec.id_count is not None:
            # Not the lowest id, which is padding by convention.
            return random.integers(min(1, spec.id_count - 1), spec.id_count, shape).astype(spec.dtype)
        if spec.dtype.startswith("float"):
            return random.standard_normal(shape).astype(spec.dtype)
        return random.integers(0, 2, shape).astype(spec.dtype)
    except (MemoryError, ValueError) as error:
        raise InputError(f"input {spec.name!r} of the shape {tuple(shape)} does not fit the memory") from error
