"""Make the parity grid: the inputs on which every artifact has to answer as Keras does.

Made from the model's own signature: batches of 1, 3 and 32; several lengths where time is symbolic;
rows that are full, padded before, behind, inside, and nothing but padding; unknown words among ids; integers of
every kind that Keras takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import TIME, TensorSpec, is_time
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.arrays import arrange, check, check_ties
from deeprnn_edge.inputs.text import OOV_ID
from deeprnn_export.reading.signature import Signature

BATCHES = (1, 3, 32)
LENGTHS = (1, 7)  # beside the length that the model is made for, and a longer one: twice that, up to LONGEST
LONGEST = 40  # not always this long: a network whose values grow is sound for lengths near its own
# Integers that go into no embedding may be anything: kinds, with the smallest and largest, and what they may stand for.
PADDED_INTEGERS = "padded with -1"
INTEGERS = {
    PADDED_INTEGERS: (0, 5),
    "below zero": (-9, 2),
    "up to ten": (0, 10),
    "at the ends of a byte": (126, 129),
    "up to a thousand": (0, 1000),
}
PADDINGS = ("full", "pre", "post", "interior", "all padding")


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class GridCase:
    """Hold one set of inputs, by name.

    Attributes:
        texts, values: what they are made of, see ``Case``.
        may_fail: whether Keras may refuse it: it is left out then.
    """

    name: str
    inputs: dict[str, NDArray[Any]]
    texts: tuple[str, ...] = ()
    may_fail: bool = False
    values: dict[str, NDArray[Any]] = field(default_factory=dict)


def make_grid(
    signature: Signature,
    *,
    length: int,
    chunk: int = 1,
    sample: Mapping[str, NDArray[Any]] | None = None,
    seed: int = 0,
) -> list[GridCase]:
    """Make inputs for a model, the same for the same seed.

    Args:
        chunk: steps that a stream takes at a time; some cases are a multiple of it.
        length: time steps where the time axis is symbolic; shorter ones are added to it.
        sample: the user's own inputs, which make a case of their own.
    """
    random = np.random.default_rng(seed)
    fixed_batch = signature.inputs[0].shape[0]
    batches = BATCHES if isinstance(fixed_batch, str) else (int(fixed_batch),)
    times = sorted({str(size) for spec in signature.inputs for size in spec.shape if is_time(size)})

    def case(name: str, batch: int, steps: int, padding: str | None, others: int | None = None) -> GridCase:
        lengths = {time: steps if time == TIME or others is None else others for time in times}
        inputs = {spec.name: _values(random, spec, batch, lengths, padding, signature) for spec in signature.inputs}
        return GridCase(name, inputs)

    smallest = batches[0]
    cases = [case(f"batch {smallest}, {padding}", smallest, length, padding) for padding in PADDINGS]
    cases += [case(f"batch {batch}, every padding", batch, length, None) for batch in batches[1:]]
    if times:
        lengths = sorted({*LENGTHS, min(2 * length, LONGEST)} - {length})
        cases += [case(f"batch {batches[-1]}, {steps} steps", batches[-1], steps, None) for steps in lengths]
    if len(times) > 1:  # axes that may be of two lengths have each
        for batch in batches[:2]:
            for steps, others in ((length, length + 2), (length + 2, length), (7, 5)):
                cases.append(case(f"batch {batch}, {steps} and {others} steps", batch, steps, None, others))
    if length % chunk:
        steps = length + -length % chunk
        cases += [case(f"batch {batch}, {steps} steps", batch, steps, None) for batch in batches[:2]]
    for spec in signature.inputs:
        if spec.id_count is not None and spec.id_count > OOV_ID:
            unknown = case(f"batch {smallest}, unknown words in {spec.name}", smallest, length, "full")
            unknown.inputs[spec.name][:, ::2] = OOV_ID
            cases.append(unknown)
    for spec in signature.inputs:
        if spec.id_count is None and spec.dtype.startswith("int"):
            cases += [_drawn(random, case, spec, kind, (smallest, length)) for kind in INTEGERS]
    if sample is not None:
        cases.append(GridCase("sample", dict(sample)))
    return cases


def sample_grid(sample: Mapping[str, NDArray[Any]]) -> list[GridCase]:
    """Make cases of the user's own inputs alone: the first row, the first rows, and all."""
    rows = len(next(iter(sample.values())))
    counts = sorted({min(count, rows) for count in (*BATCHES[:2], rows)})
    names = {rows: "sample"}
    return [
        GridCase(names.get(count, f"sample, first {count}"), {name: value[:count] for name, value in sample.items()})
        for count in counts
    ]


def _drawn(
    random: np.random.Generator, case: Callable[..., GridCase], spec: TensorSpec, kind: str, size: tuple[int, int]
) -> GridCase:
    """Make a case in which one input of integers has those of a kind, where Keras takes such."""
    made: GridCase = case(f"batch {size[0]}, {spec.name} {kind}", *size, "full")
    values = random.integers(*INTEGERS[kind], made.inputs[spec.name].shape).astype(spec.dtype)
    if kind == PADDED_INTEGERS:
        values.reshape(len(values), -1)[:, values[0].size // 2 :] = -1
    made.inputs[spec.name] = values
    return replace(made, may_fail=True)


def read_sample(sample: Any, signature: Signature) -> dict[str, NDArray[Any]]:
    """Read the user's sample, a list in the order of the inputs or a dict by name, and check it."""
    values = arrange(sample, signature.inputs)
    checked = {spec.name: check(values[spec.name], spec) for spec in signature.inputs}
    rows = {name: len(value) for name, value in checked.items()}
    if len(set(rows.values())) > 1:
        raise InputError(f"the sample's arrays have different numbers of rows: {rows}")
    check_ties(checked, signature.inputs)
    return checked


def _values(
    random: np.random.Generator,
    spec: TensorSpec,
    batch: int,
    lengths: Mapping[str, int],
    padding: str | None,
    signature: Signature,
) -> NDArray[Any]:
    shape = [batch, *(lengths.get(size, 4) if isinstance(size, str) else size for size in spec.shape[1:])]
    if spec.id_count is not None:
        values: NDArray[Any] = random.integers(min(1, spec.id_count - 1), spec.id_count, shape).astype(spec.dtype)
    elif spec.dtype == "bool":  # a mask: True where a step counts
        values = np.ones(shape, np.bool_)
    elif spec.dtype.startswith("int"):
        values = random.integers(0, 2, shape).astype(spec.dtype)
    else:
        values = random.standard_normal(shape).astype(spec.dtype)
    # Padding is worth a test where a mask gives it a meaning, and for ids, whose 0 is what data is padded with.
    if len(shape) > 1 and (spec.name in signature.mask_values or spec.id_count is not None or spec.dtype == "bool"):
        # Ids of words in sentences in texts can be missing at either level; a feature vector misses as a whole.
        axes = shape[1:] if spec.id_count is not None else shape[1:2]
        for row in range(batch):
            chosen = padding or PADDINGS[row % len(PADDINGS)]
            values[row, _padded(chosen, axes, random)] = signature.mask_values.get(spec.name, 0)
    return values


def _padded(padding: str, axes: list[int], random: np.random.Generator) -> slice | NDArray[np.bool_]:
    steps = axes[0]
    count = int(random.integers(1, steps)) if steps > 1 else 0
    if padding == "pre":
        return slice(0, count)
    if padding == "post":
        return slice(steps - count, steps)
    if padding == "interior":
        return random.random(axes) < 0.4
    return slice(0, steps if padding == "all padding" else 0)
