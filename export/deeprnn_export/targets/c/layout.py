"""Lay a program out: what is carried, where each buffer lies, and what a caller gives and gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_export.lowering.program.form import Constant, Embed, Input, Program, Recur, Tensor
from deeprnn_export.targets.c.layouts import padded
from deeprnn_export.targets.c.streams import carriers, streams

Kind = Literal["ids", "bytes", "floats"]
TYPES: dict[Kind, str] = {"ids": "int32_t", "bytes": "uint8_t", "floats": "float"}


@dataclass(frozen=True)
class Port:
    """Hold one input or output as a C function has it.

    Attributes:
        spec: as in the manifest.
        argument: its C name.
        step_size: elements, of each step where it is timed.
        id_count: ids lie below it; None for other numbers.
    """

    spec: TensorSpec
    argument: str
    kind: Kind
    tensor: Tensor
    timed: bool
    step_size: int
    id_count: int | None = None


@dataclass(frozen=True)
class Carried:
    """Hold one state: where it lies, in floats, its shape, and what it starts from."""

    layer: str
    offset: int
    shape: tuple[int, ...]
    begin: float


@dataclass(frozen=True)
class Layout:
    """Hold how a program lies in memory.

    Attributes:
        streams: whether it runs in blocks of steps, from states; else at once, in memory that the caller gives.
        offsets: of each operation that carries something, by its ``call``.
        places: the C expression of each buffer.
        work: floats of memory as a polynomial of the steps, from the constant up; the room comes on top.
        timed: whether anything has the free time axis.
    """

    prefix: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    streams: bool
    timed: bool
    states: tuple[Carried, ...]
    offsets: dict[int, int]
    state_floats: int
    places: dict[int, str]
    work: tuple[int, int, int]


def lay_out(program: Program, prefix: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Layout:
    """Give every buffer its place."""
    goes_on = streams(program)
    states, offsets, floats = _states(program) if goes_on else ((), {}, 0)
    ports_in = _inputs(program, inputs)
    places, work = _places(program, prefix, ports_in, streams=goes_on)
    timed = any(tensor.timed for one in program.operations for tensor in one.fills)
    return Layout(prefix, ports_in, _outputs(program, outputs), goes_on, timed, states, offsets, floats, places, work)


def _inputs(program: Program, specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    found = {one.number: one for one in program.operations if isinstance(one, Input)}
    names: dict[Kind, str] = {"ids": "ids", "bytes": "mask", "floats": "features"}
    ports = []
    for number, spec in enumerate(specs):
        one = found[number]
        limits = [
            len(each.table)
            for each in program.operations
            if isinstance(each, Embed) and each.ids.buffer == one.to.buffer
        ]
        argument = names[one.kind] if len(specs) == 1 else f"{names[one.kind]}_{number + 1}"
        ports.append(
            Port(spec, argument, one.kind, one.to, one.to.timed, one.to.step_size, min(limits) if limits else None)
        )
    return tuple(ports)


def _outputs(program: Program, specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    return tuple(
        Port(
            spec,
            "out" if len(specs) == 1 else f"out_{number + 1}",
            "floats",
            tensor,
            tensor.timed,
            tensor.step_size,
        )
        for number, (spec, tensor) in enumerate(zip(specs, program.outputs, strict=True))
    )


def _states(program: Program) -> tuple[tuple[Carried, ...], dict[int, int], int]:
    states: list[Carried] = []
    offsets: dict[int, int] = {}
    end = 0
    for one in carriers(program):
        offsets[one.call] = end
        if isinstance(one, Recur):
            states += [
                Carried(one.layer, end + index * padded(one.units), (one.units,), begin)
                for index, begin in enumerate(one.begin)
            ]
            end += one.states * padded(one.units)
        else:
            shape = (one.context, int(one.kernel.shape[1]))
            states.append(Carried(one.layer, end, shape, 0.0))
            end += math.prod(shape)
    return tuple(states), offsets, end


def _places(
    program: Program, prefix: str, inputs: Sequence[Port], *, streams: bool
) -> tuple[dict[int, str], tuple[int, int, int]]:
    places: dict[int, str] = {}
    for port in inputs:
        start = f"in_{port.argument}"
        if streams and port.timed:
            start = f"({start} + done * {port.step_size})"
        places[port.tensor.buffer] = start
    work = [0, 0, 0]
    for one in program.operations:
        if isinstance(one, Constant | Input):
            continue
        for tensor in one.fills:
            terms = [str(work[0])] if work[0] or not any(work) else []
            steps = f"{prefix.upper()}_BLOCK" if streams else "n"
            terms += [f"{count} * {' * '.join([steps] * power)}" for power, count in enumerate(work) if power and count]
            places[tensor.buffer] = f"(work + {' + '.join(terms)})"
            work[tensor.shape.count(None)] += tensor.step_size
    return places, (work[0], work[1], work[2])
