"""Find whether a program answers each step from that step and its states alone."""

from __future__ import annotations

from collections.abc import Iterator

from deeprnn_export.lowering.program.form import (
    Activate,
    Combine,
    Constant,
    Convolve,
    Dense,
    Embed,
    Input,
    Join,
    Operation,
    Program,
    Recur,
    Slice,
    Tensor,
    ToFloat,
    Transpose,
)


def streams(program: Program) -> bool:
    """Return whether every operation goes on from what it carries: a program that runs in blocks of any length."""
    constant = {one.to.buffer for one in program.operations if isinstance(one, Constant)}
    timed = [one for one in program.operations if one.to.timed or any(tensor.timed for tensor in one.reads)]
    inside = {one.to.buffer for one in timed}
    # What the loop over the blocks reads has to be there before the last block.
    outside = {tensor.buffer for one in timed for tensor in one.reads} - inside - constant
    late = [tensor.buffer for one in timed if not one.to.timed for tensor in one.fills]
    read = {tensor.buffer for one in timed for tensor in one.reads}
    return bool(timed) and not outside and not read & set(late) and all(map(_goes_on, timed))


def carriers(program: Program) -> Iterator[Recur | Convolve]:
    """Return the operations that carry something from step to step, in the order of the model's calls."""
    found = [
        one
        for one in program.operations
        if isinstance(one, Recur) or (isinstance(one, Convolve) and one.x.timed and one.context)
    ]
    yield from sorted(found, key=lambda one: one.call)


def carried_shapes(program: Program) -> list[tuple[int, ...]]:
    """Return the shape of each state, in the order of the model's calls."""
    shapes: list[tuple[int, ...]] = []
    for one in carriers(program):
        if isinstance(one, Recur):
            shapes += [(one.units,)] * one.states
        else:
            shapes.append((one.context, int(one.kernel.shape[1])))
    return shapes


def _goes_on(one: Operation) -> bool:
    if isinstance(one, Input | ToFloat | Embed | Dense | Activate):
        return one.to.timed and not _over_time(one)
    if isinstance(one, Combine):
        places = {len(tensor.shape) - tensor.shape.index(None) for tensor in one.operands if tensor.timed}
        return one.to.timed and one.to.shape.count(None) == 1 and len(places) == 1
    if isinstance(one, Recur):
        started = any(value != 0 for value in one.begin)
        zeros = one.mask is None or one.zero_masked or not started
        return one.x.shape[:2] == (1, None) and not (one.backwards or one.initial) and zeros
    if isinstance(one, Convolve):
        return one.x.shape[0] == 1 and one.stride == 1 and one.before == one.context
    if isinstance(one, Join):
        return one.to.timed
    if isinstance(one, Slice):
        axis = one.x.shape.index(None)
        last = one.begin[axis] == -1 and one.to.shape[axis] == 1
        return last or (one.begin[axis] == 0 and one.to.shape[axis] is None)
    if isinstance(one, Transpose):
        return _leading(one.to)
    return False


def _over_time(one: Operation) -> bool:
    """Return whether the last axis, over which an activation may run, is time."""
    return not isinstance(one, Input | ToFloat | Embed) and one.to.shape[-1] is None


def _leading(tensor: Tensor) -> bool:
    """Return whether the time axis stands outermost but for sizes of 1."""
    return all(size == 1 for size in tensor.shape[: tensor.shape.index(None)])
