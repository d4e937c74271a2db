"""Test that a layer is causal: run it on random steps, whole and in chunks, and compare."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StateSpec
from deeprnn_export.streaming.carry import Carry, any_length
from deeprnn_export.streaming.convolution import carry_context
from deeprnn_export.streaming.keras_loop import carried_loop
from deeprnn_export.tracing.keras_internals import with_loop
from deeprnn_export.tracing.layer_table import Action, overrides_of
from deeprnn_export.tracing.overrides import Override, layer_paths
from deeprnn_export.tracing.plain_layers import rows_at_once
from deeprnn_export.tracing.tensorflow_internals import made_by

# Rows enough that the largest of six steps is not the last one in all of them: 6 ** -8.
_ROWS, _STEPS, _CUTS = 8, 6, (0, 2, 5, 6)
# What the order of a sum may change in a product of a few hundred numbers of order 1.
_AGREEMENT = {"rtol": 1e-4, "atol": 1e-5}

_SHAPES_ALONE = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


@dataclass(frozen=True)
class Call:
    """Hold one call of a layer, an operation or a model in a trace whose batch and time are symbolic.

    Attributes:
        name: in a message.
        arguments: positional and named ones, with the traced tensors in them.
        outputs: traced tensors.
        made: how many calls of each path in it came before.
        joins: whether one argument is the sequence and another an answer to it without steps.
    """

    owner: Any
    name: str
    call: Callable[..., Any]
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    outputs: Any
    made: Mapping[str, int]
    joins: bool


def has_time(tensor: Any) -> bool:
    """Return whether a traced tensor has a free axis behind the batch."""
    return tf.is_tensor(tensor) and tensor.shape.rank is not None and tensor.shape.rank > 1 and tensor.shape[1] is None


def reads(tensor: Any, sources: set[Any]) -> bool:
    """Return whether a traced tensor is computed from the values of any source, which are references to tensors."""
    pending, seen = [tensor], set()
    while pending:
        one = pending.pop()
        if one.ref() in sources:
            return True
        if one.ref() not in seen and (operator := made_by(one))[0] not in _SHAPES_ALONE:
            seen.add(one.ref())
            pending += operator[1]
    return False


def trial_form(model: keras.Model, carry: Carry) -> list[Override]:
    """Let Keras's own layers answer for parts of a sequence of random steps, going on from their states."""

    def carry_states(layer: keras.layers.RNN, path: str) -> Mapping[str, Any]:
        loop = carried_loop(layer, carry, path, lambda: None)
        return {**with_loop(layer, loop), "unroll": False} if path in carry.calls else {}

    actions: Mapping[str, Action] = {
        "carry states": carry_states,
        "carry context": partial(carry_context, carry),
        "take any ids": _take_any_ids,
        "rows at once": rows_at_once,
    }
    return [*any_length(model), *overrides_of(layer_paths(model), "trial", actions)]


def why_not(made: Call, carry: Carry, states: Sequence[StateSpec]) -> str | None:
    """Say in a few words why the parts of a sequence do not get the answers of the whole; None where they do.

    An answer without steps is that to the last part. To be asked in the trial's form.
    """
    if isinstance(made.owner, keras.layers.Embedding):
        return None  # looks up each step by itself, and random numbers are no ids
    if made.joins:
        return "joins the sequence with what is known at its end"
    random = np.random.default_rng(0)
    values = keras.tree.map_structure(lambda value: _values(random, value), made.arguments)
    pairs = zip(keras.tree.flatten(made.arguments), keras.tree.flatten(values), strict=True)
    rows = next(value.shape[0] for traced, value in pairs if has_time(traced))
    begin: Mapping[str, Any] = {state.name: tf.fill((rows, *state.shape[1:]), state.initial) for state in states}

    def part(start: int, stop: int, given: Mapping[str, Any]) -> tuple[list[NDArray[Any]], Mapping[str, Any]]:
        arguments, options = keras.tree.map_structure(
            lambda traced, value: value[:, start:stop] if has_time(traced) else value, made.arguments, values
        )
        with carry.part(given, made.made):
            answers = keras.tree.flatten(made.call(*arguments, **options))
        return [np.asarray(answer) for answer in answers], {**given, **carry.left}

    try:
        with warnings.catch_warnings():  # what Keras says of these random steps is not the user's business
            warnings.simplefilter("ignore")
            whole, _ = part(0, _STEPS, begin)
            parts, left = [], begin
            for start, stop in pairwise(_CUTS):
                answers, left = part(start, stop, left)
                parts.append(answers)
    except Exception:  # noqa: BLE001 - a layer that does not take so many steps; what it raises is its own
        return _reason(made.owner, "needs a fixed number of steps")
    timed = [has_time(traced) for traced in keras.tree.flatten(made.outputs)]
    same = all(map(_agree, timed, whole, zip(*parts, strict=True)))
    return None if same else _reason(made.owner, "answers a step by those around it")


def _agree(timed: bool, whole: NDArray[Any], parts: Sequence[NDArray[Any]]) -> bool:
    shapes = [(*part.shape[:1], *part.shape[2:]) for part in parts]
    if timed and (whole.shape[1] != _STEPS or len(set(shapes)) > 1):
        return False
    joined = np.concatenate(parts, axis=1) if timed else parts[-1]
    return joined.shape == whole.shape and np.allclose(whole, joined, **_AGREEMENT, equal_nan=True)


def _reason(owner: Any, otherwise: str) -> str:
    kind = type(owner).__name__
    if "Attention" in kind:
        return "attends to the whole sequence"
    if "Pooling" in kind:
        return "pools over time"
    return otherwise


def _values(random: np.random.Generator, traced: Any) -> Any:
    """Draw random numbers in a traced tensor's place."""
    if not tf.is_tensor(traced) or isinstance(traced, tf.Variable):
        return traced
    free = {0: _ROWS, 1: _STEPS}
    shape = [free.get(axis, 3) if size is None else size for axis, size in enumerate(traced.shape)]
    if traced.dtype == tf.bool or traced.dtype.is_integer:
        return tf.cast(tf.constant(random.integers(0, 2, shape)), traced.dtype)
    return tf.constant(random.standard_normal(shape), traced.dtype)


def _take_any_ids(layer: keras.layers.Embedding, _path: str) -> Mapping[str, Any]:
    original = layer.call
    return {"call": lambda inputs: original(tf.math.floormod(tf.cast(inputs, tf.int32), layer.input_dim))}
