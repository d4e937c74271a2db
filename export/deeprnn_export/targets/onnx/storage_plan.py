"""Decide which weight is stored in how many bits: by its bytes, then by what that does to the outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import StoredTensor
from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.parity.difference import compare
from deeprnn_edge.runtimes.onnx.session import OnnxSession
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.onnx.dynamic_int8 import quantize_lstms, quantized_tensors
from deeprnn_export.targets.onnx.storage import STORAGES, Storage, StoredWeight, store
from deeprnn_export.targets.onnx.weights import Weight, read_weights, with_stored, with_values
from deeprnn_export.targets.target import Progress

# A weight of a smaller share of the bytes stays float32: the nodes that read it back, about 0.3 kB, and its
# rounding cost more than it would save.
SMALLEST_SHARE = 0.001
# Below this share of the bytes, 8 bits in place of 16 for everything but the tables would make the file smaller
# by a hundredth, and a SimpleRNN of 32 units wrong by as much as its whole table in 8 bits does.
REAL_SHARE = 0.05
# The grid's larger batches only repeat the paddings of its small ones.
_EFFECT_ROWS = 3


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Planned:
    """Hold one weight, the form chosen for it and why; effect is None where the form is float32."""

    weight: Weight
    stored: StoredWeight
    reason: str
    is_fixed: bool = False
    effect: float | None = None

    @property
    def storage(self) -> Storage:
        """Return the form's name."""
        return self.stored.storage


def store_weights(
    given: ConversionInput,
    precision: str,
    exact: Callable[[], Conversion],
    largest_difference: float,
    progress: Progress,
) -> Conversion:
    """Store a model's weights so that its outputs stay within ``largest_difference`` of Keras's on the grid.

    A weight whose effect is too large gets more bits.

    Args:
        given: the model; its overrides give a weight its storage whatever the effect.
        precision: the aim; of ``int8-dynamic`` the LSTMs are computed in 8 bits and other weights stored so.
        exact: makes the file in float32.
        progress: called with a line for each weight that gets more bits.

    Raises:
        InputError: for a pattern that no weight has, and for a storage that it cannot have.
        UnsupportedModelError: where no weight can be stored so.
    """
    whole, cases = exact(), given.answers()
    proto = onnx.load_from_string(whole.content)
    computed: tuple[StoredTensor, ...] = ()
    if precision == "int8-dynamic":
        proto = quantize_lstms(proto, whole.recurrences)
        computed = quantized_tensors(proto)
    storage: Storage = {"fp16": "fp16", "int4": "int4"}.get(precision, "int8")  # type: ignore[assignment]
    own = _own_answers(proto, cases)
    planned = [_measured(one, proto, own) for one in _plan(read_weights(proto), storage, given.overrides)]
    while True:
        if not computed:
            _require(planned, storage, largest_difference)
        content = _write(proto, planned)
        worst = _worst(content, cases)
        raisable = [one for one in planned if one.storage != "fp32" and not one.is_fixed]
        if worst <= largest_difference or not raisable:
            return replace(whole, content=content, tensors=computed + tuple(map(_summary, planned)))
        culprit = max(raisable, key=lambda one: one.effect or 0.0)
        more = STORAGES[STORAGES.index(culprit.storage) + 1]
        reason = (
            f"as {culprit.storage} it changes the outputs by up to {culprit.effect:.2g}, "
            f"all weights together by {worst:.2g}; {largest_difference:.2g} is allowed"
        )
        progress(f"{culprit.weight.name} is stored as {more}: {reason}")
        raised = _measured(_planned(culprit.weight, more, reason), proto, own)
        planned = [raised if one is culprit else one for one in planned]


def _plan(weights: Sequence[Weight], precision: Storage, overrides: Mapping[str, str]) -> list[Planned]:
    if precision == "int4" and not any(weight.is_table for weight in weights):
        raise UnsupportedModelError(
            "int4 is for embedding tables, and no weight of this model is one that is only looked up; use int8"
        )
    names = [weight.name for weight in weights]
    unmatched = [pattern for pattern in overrides if not any(fnmatchcase(name, pattern) for name in names)]
    if unmatched:
        raise InputError(f"no weight is called {unmatched[0]!r}; there are {', '.join(names)}")
    unknown = [storage for storage in overrides.values() if storage not in get_args(Storage)]
    if unknown:
        raise InputError(f"unknown storage {unknown[0]!r} of a tensor; there are {', '.join(get_args(Storage))}")
    whole = sum(weight.values.nbytes for weight in weights)
    matrices = sum(weight.values.nbytes for weight in weights if not weight.is_table)
    return [_by_bytes(weight, precision, whole, matrices / whole, overrides) for weight in weights]


def _by_bytes(
    weight: Weight, precision: Storage, whole_bytes: int, matrix_share: float, overrides: Mapping[str, str]
) -> Planned:
    asked: list[Any] = [storage for pattern, storage in overrides.items() if fnmatchcase(weight.name, pattern)]
    if asked:
        return replace(_planned(weight, asked[-1], "as asked"), is_fixed=True)
    if weight.values.nbytes < SMALLEST_SHARE * whole_bytes:
        return _planned(weight, "fp32", f"less than {SMALLEST_SHARE:.1%} of the bytes")
    if precision == "fp16":
        return _planned(weight, "fp16", "as every weight of fp16")
    if weight.is_table:
        return _planned(weight, precision, "a table, read a row at a time")
    if matrix_share < REAL_SHARE:
        return _planned(weight, "fp16", f"all weights but tables hold {matrix_share:.1%} of the bytes")
    return _planned(weight, "int8", f"all weights but tables hold {matrix_share:.0%} of the bytes")


def _planned(weight: Weight, storage: Storage, reason: str) -> Planned:
    return Planned(weight, store(weight.name, weight.values, storage, rows=weight.is_table), reason)


def _require(planned: Sequence[Planned], precision: Storage, largest_difference: float) -> None:
    aimed = STORAGES[: STORAGES.index(precision) + 1]
    if any(one.storage in aimed for one in planned):
        return
    largest = max(planned, key=lambda one: one.weight.values.nbytes, default=None)
    why = "it has none of several rows" if largest is None else f"{largest.weight.name}: {largest.reason}"
    raise UnsupportedModelError(
        f"no weight of this model can be {precision} within a difference of {largest_difference:.2g} ({why}); "
        "allow more with max_difference=, or ship more bits"
    )


def _own_answers(proto: onnx.ModelProto, cases: Sequence[Case]) -> list[Case]:
    """Ask the model itself the small cases, before any weight is stored otherwise."""
    session = OnnxSession(proto.SerializeToString(), "model.onnx")
    small = [case for case in cases if _rows(case) <= _EFFECT_ROWS] or list(cases)
    return [replace(case, outputs=session.run(case.inputs)) for case in small]


def _measured(planned: Planned, proto: onnx.ModelProto, own: Sequence[Case]) -> Planned:
    """Measure the difference that this weight's storage alone makes."""
    if planned.storage == "fp32":
        return planned
    return replace(planned, effect=_worst(with_values(proto, {planned.weight.name: planned.stored.values}), own))


def _write(proto: onnx.ModelProto, planned: Sequence[Planned]) -> bytes:
    stored = {one.weight.name: one.stored for one in planned if one.storage != "fp32"}
    content: bytes = with_stored(proto, stored).SerializeToString(deterministic=True)
    return content


def _worst(content: bytes, cases: Sequence[Case]) -> float:
    session = OnnxSession(content, "model.onnx")
    return max(
        difference.max_abs_diff
        for case in cases
        for difference in compare(case.name, case.outputs, session.run(case.inputs), decisions={})
    )


def _rows(case: Case) -> int:
    first: NDArray[np.generic] = next(iter(case.inputs.values()))
    return len(first)


def _summary(planned: Planned) -> StoredTensor:
    return StoredTensor(
        name=planned.weight.name,
        precision=planned.storage,
        size_bytes=planned.stored.size_bytes,
        effect=planned.effect,
        reason=planned.reason,
    )
