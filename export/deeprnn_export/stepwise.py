"""Whether a layer answers each step from that step alone: tried on random steps, together and apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Rows enough that the largest of six steps is not the last one in all of them: 6 ** -8.
_ROWS, _STEPS, _CUT = 8, 6, 2
# What the order of a sum may change in a product of a few hundred numbers of order 1.
_AGREEMENT = {"rtol": 1e-4, "atol": 1e-5}


@dataclass(frozen=True)
class Call:
    """One call of a layer in a trace whose batch and time are symbolic.

    arguments: positional and named ones, with the traced tensors in them.
    outputs: traced tensors.
    """

    path: str
    kind: str
    call: Callable[..., Any]
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    outputs: Any


def has_time(tensor: Any) -> bool:
    """Whether a traced tensor has a free axis behind the batch."""
    return tf.is_tensor(tensor) and tensor.shape.rank is not None and tensor.shape.rank > 1 and tensor.shape[1] is None


def answers_each_step(made: Call) -> bool:
    """Whether the parts of a sequence get the same answers as the whole; of an answer without steps, the last step."""
    random = np.random.default_rng(0)
    values = keras.tree.map_structure(lambda value: _values(random, value), made.arguments)

    def part(start: int, stop: int) -> list[Any]:
        arguments, options = keras.tree.map_structure(
            lambda traced, value: value[:, start:stop] if has_time(traced) else value, made.arguments, values
        )
        return [np.asarray(answer) for answer in keras.tree.flatten(made.call(*arguments, **options))]

    try:
        with warnings.catch_warnings():  # what Keras says of these random steps is not the user's business
            warnings.simplefilter("ignore")
            whole, first, rest = part(0, _STEPS), part(0, _CUT), part(_CUT, _STEPS)
            last = part(_STEPS - 1, _STEPS)
    except Exception:  # noqa: BLE001 - a layer that does not take so many steps; what it raises is its own
        return False
    for index, traced in enumerate(keras.tree.flatten(made.outputs)):
        timed = has_time(traced)
        parts = np.concatenate([first[index], rest[index]], axis=1) if timed else last[index]
        if timed and parts.shape[1] != _STEPS:
            return False
        if parts.shape != whole[index].shape or not np.allclose(whole[index], parts, **_AGREEMENT, equal_nan=True):
            return False
    return True


def _values(random: np.random.Generator, traced: Any) -> Any:
    """Random numbers in a traced tensor's place."""
    if not tf.is_tensor(traced) or isinstance(traced, tf.Variable):
        return traced
    free = {0: _ROWS, 1: _STEPS}
    shape = [free.get(axis, 3) if size is None else size for axis, size in enumerate(traced.shape)]
    if traced.dtype == tf.bool:
        return tf.ones(shape, tf.bool)
    if traced.dtype.is_integer:
        return tf.constant(random.integers(0, 2, shape), traced.dtype)
    return tf.constant(random.standard_normal(shape), traced.dtype)
