"""Check the model's own input arrays once, before the runtime sees them.

The runtimes check little: a negative id reads another row of the table, and NaN spreads in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import TensorSpec, is_time
from deeprnn_edge.errors import InputError

# Arrays by the name of an input, an output or a state.
Arrays = Mapping[str, NDArray[Any]]

# What numpy would read as numbers, and nobody means so.
NO_NUMBERS = (bytes, bytearray, memoryview)
_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def arrange(inputs: Any, specs: Sequence[TensorSpec]) -> dict[str, Any]:
    """Return inputs by name.

    Args:
        inputs: one array, a list in the order of the inputs, or a dict by name.
        specs: of the inputs.

    Raises:
        InputError: for others than the model's inputs.
    """
    if isinstance(inputs, Mapping):
        expected = {spec.name for spec in specs}
        if inputs.keys() != expected:
            raise InputError(f"got the inputs {sorted(inputs)}, expected {sorted(expected)}")
        return dict(inputs)
    if len(specs) == 1:
        # A list in the order of the inputs, of one; else the rows of the only input.
        alone = isinstance(inputs, list | tuple) and len(inputs) == 1 and np.ndim(inputs[0]) == len(specs[0].shape)
        return {specs[0].name: inputs[0] if alone else inputs}
    if not isinstance(inputs, list | tuple) or len(inputs) != len(specs):
        names = ", ".join(spec.name for spec in specs)
        raise InputError(f"the model has {len(specs)} inputs ({names}); give a list in this order, or a dict by name")
    return {spec.name: value for spec, value in zip(specs, inputs, strict=True)}


def check_all(inputs: Any, specs: Sequence[TensorSpec]) -> dict[str, NDArray[Any]]:
    """Return inputs by name as arrays of the dtypes of the specs.

    Args:
        inputs: as ``arrange`` takes them.
        specs: of the inputs.

    Raises:
        InputError: as ``arrange`` and ``check`` do, and for axes of one name that are of two sizes.
    """
    if type(inputs) is np.ndarray and len(specs) == 1:  # the usual call, sooner than through what else it may be
        return {specs[0].name: check(inputs, specs[0])}
    values = arrange(inputs, specs)
    arrays = {spec.name: check(values[spec.name], spec) for spec in specs}
    if len(specs) > 1:
        check_ties(arrays, specs)
    return arrays


def check_ties(arrays: Arrays, specs: Sequence[TensorSpec]) -> None:
    """Check that rows, and steps of one name, are as many in every input.

    Raises:
        InputError: names the two inputs where they are not.
    """
    known: dict[str, tuple[str, int]] = {}
    for spec in specs:
        for axis, size in zip(spec.shape, arrays[spec.name].shape, strict=True):
            if (axis == "batch" or is_time(axis)) and known.setdefault(str(axis), (spec.name, size))[1] != size:
                other, expected = known[str(axis)]
                what = "rows" if axis == "batch" else "steps"
                raise InputError(
                    f"input {spec.name!r} has {size} {what} and {other!r} {expected}; they have to be as many"
                )


def check(value: Any, spec: TensorSpec) -> NDArray[Any]:
    """Return a value as an array of the spec's dtype.

    Raises:
        InputError: for another rank, size or dtype, an id outside the table, or a NaN.
    """
    array = as_array(value, spec)
    shape = array.shape
    if not _fits(shape, spec.shape):
        raise InputError(f"input {spec.name!r} has the shape {shape}, expected ({', '.join(map(str, spec.shape))})")
    if 0 in shape[1:]:
        raise InputError(f"input {spec.name!r} has the shape {shape}: it holds no step")
    return check_values(array, spec)


def check_values(array: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """Return an array of the right shape in the spec's dtype.

    Raises:
        InputError: for another dtype, an id outside the table, a NaN, or a number that is infinite or becomes so in
            the spec's dtype.
    """
    kind = array.dtype.kind
    if spec.dtype.startswith("int"):
        if kind not in "iu":
            raise InputError(f"input {spec.name!r} has the dtype {array.dtype}, expected integers ({spec.dtype})")
        if spec.id_count is not None and array.size:
            _check_ids(array, spec.name, spec.id_count)
        elif array.size and array.dtype.itemsize >= _dtype(spec.dtype).itemsize and array.dtype != spec.dtype:
            _check_range(array, spec)
    elif spec.dtype == "bool":
        if kind != "b":
            raise InputError(
                f"input {spec.name!r} has the dtype {array.dtype}, expected bool: True where a step counts"
            )
    elif kind not in "fiu":
        raise InputError(f"input {spec.name!r} has the dtype {array.dtype}, expected numbers ({spec.dtype})")
    wanted = _dtype(spec.dtype)
    if array.dtype != wanted:
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            array = array.astype(wanted)
    # One pass over all: no finite sum of squares where one of them is none, or, rarely, where the sum overflows.
    if kind == "f" and not isfinite(np.vdot(array, array)):
        _check_finite(array, spec.name)
    return array


def _check_range(array: NDArray[Any], spec: TensorSpec) -> None:
    allowed = np.iinfo(spec.dtype)
    for number in (int(array.min()), int(array.max())):
        if not allowed.min <= number <= allowed.max:
            raise InputError(f"input {spec.name!r} has the number {number}, which is no {spec.dtype}")


def _check_finite(array: NDArray[Any], name: str) -> None:
    if (missing := np.argwhere(np.isnan(array))).size:
        raise InputError(f"input {name!r} has a NaN in row {int(missing[0][0])}; fill or drop missing values first")
    if (infinite := np.argwhere(np.isinf(array))).size:
        raise InputError(
            f"input {name!r} has a number in row {int(infinite[0][0])} that is infinite in {array.dtype}; "
            "leave it out, or scale the values"
        )


@cache
def _dtype(name: str) -> np.dtype[Any]:
    """Return a dtype by name: comparing with the name itself makes one each time, a third of a microsecond."""
    return np.dtype(name)


def as_array(value: Any, spec: TensorSpec) -> NDArray[Any]:
    """Return whatever was given as an array.

    Raises:
        InputError: for rows of unequal length, and for bytes, which would be read as the numbers 0 to 255.
    """
    if isinstance(value, NO_NUMBERS):
        raise InputError(f"input {spec.name!r} is a {type(value).__name__}, expected an array of {spec.dtype}")
    try:
        return np.asarray(value)
    except ValueError as error:  # numpy: "inhomogeneous shape"
        raise InputError(f"input {spec.name!r} has rows of unequal length; use predict, which pads them") from error


def _fits(shape: Sequence[int], expected: Sequence[int | str]) -> bool:
    if len(shape) != len(expected):
        return False
    for size, fixed in zip(shape, expected, strict=True):  # noqa: SIM110 - any() takes twice as long for two axes
        if size != fixed and not isinstance(fixed, str):
            return False
    return True


def _largest(array: NDArray[Any]) -> Any:
    """Return the largest value.

    By its place: of 100 ids ``max`` takes 0.7 us and this 0.3, and the difference doubles with the caches cold.
    """
    return array.item(array.argmax())


def _check_ids(array: NDArray[Any], name: str, count: int) -> None:
    if array.size == 1 and 0 <= array.item() < count:  # a stream's step: sooner than any reduction
        return
    if not array.dtype.isnative or (array.dtype.kind == "i" and array.dtype.itemsize < 4):
        array = array.astype(np.int64)  # as unsigned, -1 of 8 bits would be the id 255
    # A negative id, read as unsigned, is larger than any count: one pass for both ends of the range.
    unsigned = array if array.dtype.kind == "u" else array.view(_UNSIGNED[array.dtype.itemsize])
    if _largest(unsigned) >= count:
        row = int(np.argwhere(unsigned >= count)[0][0])
        bad = array[unsigned >= count].flat[0]
        raise InputError(
            f"input {name!r} has the id {bad} in row {row}; ids lie in [0, {count}): "
            "give unknown words the model's id for them, 2 by convention"
        )
