"""Find out which time axes of a model's inputs have to be of one length, and which outputs follow which.

By tracing, not by names: an encoder–decoder reads two sequences of two lengths, a model that adds two sequences has
one. ONNX Runtime takes two axes of one name for one size, and reuses buffers by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from deeprnn_edge.bundle.tensors import TIME, TensorSpec

# Distinct, and such that no sum or product of two is another: an output of one of these lengths follows that input.
_LENGTHS = (11, 17, 29, 43, 61, 97)
# Of more inputs the partitions are too many to try; they are of one length, or all of their own.
_MOST_TRIED = 3

# Traces the model on inputs of these shapes and gives the shapes of its outputs; raises where they do not go together.
Trace = Callable[[Sequence[tuple[int | None, ...]]], list[Any]]


def name_time_axes(
    inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...], trace: Trace
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Give each free time axis a name of its own, but those that the model itself ties.

    Args:
        inputs: with every free time axis called ``time``.
        outputs: likewise.
        trace: traces the model on shapes of its inputs.

    Returns:
        Inputs and outputs whose axes are ``time``, ``time_2`` and so on; an output that follows no one input has
        names of its own.
    """
    timed = [index for index, spec in enumerate(inputs) if TIME in spec.shape]
    for groups in _partitions(len(timed)):
        if max(groups, default=0) == 0:
            return inputs, outputs
        group_of = dict(zip(timed, groups, strict=True))
        lengths = {_name(group): _LENGTHS[group] for group in set(groups)}
        named = tuple(_renamed(spec, _name(group_of.get(index, 0))) for index, spec in enumerate(inputs))
        try:
            shapes = trace([_sized(spec, lengths) for spec in named])
        except Exception:  # noqa: BLE001 - whatever Keras raises says that these lengths do not go together
            continue
        found = {length: name for name, length in lengths.items()}
        followers = tuple(
            _follow(spec, shape, found, index) for index, (spec, shape) in enumerate(zip(outputs, shapes, strict=True))
        )
        return named, followers
    return inputs, outputs


def _partitions(count: int) -> Iterator[tuple[int, ...]]:
    """Give the ways to group axes, the finest first: ``(0, 1)``, then ``(0, 0)``."""
    if count > _MOST_TRIED:
        if count <= len(_LENGTHS):
            yield tuple(range(count))
        yield (0,) * count
        return

    def grow(known: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(known) == count:
            yield known
            return
        for group in range(max(known, default=-1) + 2):
            yield from grow((*known, group))

    yield from sorted(grow(()), key=lambda groups: -len(set(groups)))


def _name(group: int) -> str:
    return TIME if group == 0 else f"{TIME}_{group + 1}"


def _renamed(spec: TensorSpec, name: str) -> TensorSpec:
    return replace(spec, shape=tuple(name if size == TIME else size for size in spec.shape))


def _sized(spec: TensorSpec, lengths: Mapping[str, int]) -> tuple[int | None, ...]:
    return tuple(lengths.get(size) if isinstance(size, str) else size for size in spec.shape)


def _follow(spec: TensorSpec, shape: Any, found: Mapping[int, str], index: int) -> TensorSpec:
    """Name an output's time axis after the input that it is as long as."""
    sizes = list(shape) if shape.rank is not None else [None] * len(spec.shape)
    own = f"{TIME}_of_output_{index + 1}"
    named = (
        (found.get(size, own) if size is not None else own) if known == TIME else known
        for known, size in zip(spec.shape, sizes, strict=True)
    )
    return replace(spec, shape=tuple(named))


def trace_shapes(forward: Callable[..., Any], specs: Sequence[Any]) -> Trace:
    """Make the function that traces a model's ``forward``, which returns its outputs in a flat list."""

    def trace(shapes: Sequence[tuple[int | None, ...]]) -> list[Any]:
        signature = [tf.TensorSpec(shape, spec.dtype, spec.name) for shape, spec in zip(shapes, specs, strict=True)]
        traced = tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()
        return [tf.TensorShape(output.shape) for output in traced.outputs]

    return trace
