"""Lay out the states of one stream in memory, fill them, and check that a saved one fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StateSpec
from deeprnn_edge.errors import InputError

Block = NDArray[np.uint8]

_ALIGNMENT = 16  # bytes: that of numpy's own arrays, and enough for any dtype


def allocate(states: Sequence[StateSpec], rows: int) -> tuple[Block, dict[str, NDArray[Any]]]:
    """Return one unfilled block of bytes for all states, so that one copy moves them, and a view of each by name."""
    shapes = [(rows, *_tail(state)) for state in states]
    sizes = [int(np.prod(shape)) * np.dtype(state.dtype).itemsize for state, shape in zip(states, shapes, strict=True)]
    starts = np.cumsum([0, *(-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes)])
    block = np.zeros(int(starts[-1]), np.uint8)
    views = {
        state.name: block[start : start + size].view(state.dtype).reshape(shape)
        for state, shape, size, start in zip(states, shapes, sizes, starts.tolist(), strict=False)
    }
    return block, views


def fill_initial(arrays: Mapping[str, NDArray[Any]], states: Sequence[StateSpec], rows: Any = ...) -> None:
    """Put some rows, by default all, back to what they are before the first step."""
    for state in states:
        arrays[state.name][rows] = state.initial


def check_state(state: Any, states: Sequence[StateSpec], rows: int | None) -> dict[str, NDArray[Any]]:
    """Return a saved state as arrays of the states' dtypes.

    Args:
        state: what was saved.
        states: those of the model.
        rows: the batch size it has to have; None takes the one that it has.

    Raises:
        InputError: that names the state which is missing, unknown, of another shape or dtype, or has a NaN.
    """
    if not isinstance(state, Mapping):
        raise InputError(f"state is a {type(state).__name__}, expected a dict of arrays as stream.state gives it")
    expected = [one.name for one in states]
    if wrong := sorted(set(expected) ^ set(state), key=str):
        what = "lacks" if wrong[0] in expected else "has the unknown"
        raise InputError(f"the state {what} {wrong[0]!r}; this model's states are {', '.join(expected)}")
    arrays: dict[str, NDArray[Any]] = {}
    for one in states:
        array = _as_state(state[one.name], one)
        if rows is None and array.ndim and len(array):
            rows = len(array)
        shape = ("batch" if rows is None else rows, *_tail(one))
        if array.shape != shape:
            raise InputError(
                f"state {one.name!r} has the shape {array.shape}, expected ({', '.join(map(str, shape))}): "
                "give the state of a stream of this model and batch size"
            )
        arrays[one.name] = array
    return arrays


def begun_rows(arrays: Mapping[str, NDArray[Any]], states: Sequence[StateSpec]) -> NDArray[np.bool_]:
    """Return ``(rows,)`` of bool: whether a row differs from the initial state."""
    begun = np.zeros(len(arrays[states[0].name]), np.bool_)
    for state in states:
        array = arrays[state.name]
        begun |= (array != state.initial).any(axis=tuple(range(1, array.ndim)))
    return begun


def _as_state(value: Any, state: StateSpec) -> NDArray[Any]:
    dtype = np.dtype(state.dtype)
    try:
        array = np.asarray(value)
    except ValueError as error:  # numpy: "inhomogeneous shape"
        raise InputError(f"state {state.name!r} has rows of unequal length") from error
    if array.dtype.kind != dtype.kind:
        raise InputError(f"state {state.name!r} has the dtype {array.dtype}, expected {state.dtype}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused below
        array = array.astype(dtype, copy=False)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        what = "a NaN" if np.isnan(array).any() else f"a number that is infinite in {dtype}"
        raise InputError(f"state {state.name!r} has {what}: it was damaged on its way, or never a stream's")
    return array


def _tail(state: StateSpec) -> tuple[int, ...]:
    return tuple(int(size) for size in state.shape[1:])
