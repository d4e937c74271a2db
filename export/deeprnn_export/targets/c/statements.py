"""Write each operation of a program as a call of a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.program import form
from deeprnn_export.lowering.program.form import Operation, Shape, Size, Tensor
from deeprnn_export.targets.c.layouts import padded
from deeprnn_export.targets.c.literals import number
from deeprnn_export.targets.c.weights import Weights, kind, parameter

_AXES = 5  # of a dr_walk


@dataclass
class Writer:
    """Write statements.

    Attributes:
        weights: where constants are defined.
        places: the C expression of each buffer.
        states: the offset in the states of each carrier, by its ``call``; empty where nothing is carried.
        read: the buffers that something reads.
        room: floats that one operation needs at most beside its buffers.
    """

    weights: Weights
    places: dict[int, str]
    states: dict[int, int]
    read: set[int]
    room: int = 0
    _converters: dict[int, str] = field(default_factory=dict)

    def write(self, one: Operation) -> list[str]:
        """Return the statements of an operation."""
        method = getattr(self, f"_write_{type(one).__name__.lower()}")
        lines: list[str] = method(one)
        return lines

    def at(self, tensor: Tensor) -> str:
        """Return where a tensor lies."""
        return self.places[tensor.buffer]

    def _write_input(self, one: form.Input) -> list[str]:
        self._converters[one.to.buffer] = "dr_from_bytes" if one.kind == "bytes" else "dr_from_int32"
        return []

    def _write_constant(self, one: form.Constant) -> list[str]:
        self.places[one.to.buffer] = self.weights.constant(one)
        return []

    def _write_tofloat(self, one: form.ToFloat) -> list[str]:
        convert = self._converters[one.x.buffer]
        return [f"{convert}({self.at(one.x)}, {self.at(one.to)}, {elements(one.to.shape)});"]

    def _write_embed(self, one: form.Embed) -> list[str]:
        table, scales = self.weights.table(one)
        to, width, count = self.at(one.to), one.table.shape[1], elements(one.ids.shape)
        if scales is None:
            return [f"dr_embed({table}, {width}, {self.at(one.ids)}, {count}, {to});"]
        return [f"dr_embed_int8({table}, {scales}, {width}, {self.at(one.ids)}, {count}, {to});"]

    def _write_dense(self, one: form.Dense) -> list[str]:
        rows = elements(one.to.shape[:-1])
        return [f"dr_dense_run({self.weights.dense(one)}, {self.at(one.x)}, {rows}, {self.at(one.to)});"]

    def _write_convolve(self, one: form.Convolve) -> list[str]:
        layer, inputs = self.weights.dense(one), one.kernel.shape[1]
        self.room = max(self.room, one.kernel.shape[0] * inputs)
        steps, outputs = (_size(tensor.shape[1]) for tensor in (one.x, one.to))
        window = f"{one.kernel.shape[0]}, {one.stride}, {one.dilation}, {one.before}"
        past = f"state + {self.states[one.call]}" if one.call in self.states else "0"
        x, to = self.at(one.x), self.at(one.to)
        sizes = [elements(tensor.shape[1:]) for tensor in (one.x, one.to)]
        rows = one.x.shape[0]
        lines = [
            f"const dr_window window = {{{window}}};",
            "ptrdiff_t row;",
            f"for (row = 0; row < {rows}; row++)",
            f"  dr_convolve({layer}, &window, {past}, {x} + row * {sizes[0]}, {steps}, {outputs}, "
            f"{to} + row * {sizes[1]}, room);",
        ]
        if one.call in self.states:
            lines.append(f"dr_remember({past}, {one.before}, {x}, {steps}, {inputs});")
        return _block(lines)

    def _write_recur(self, one: form.Recur) -> list[str]:
        layer, room = self.weights.cell(one)
        wide, states = padded(one.units), one.states
        started = bool(one.initial) or any(value != 0 for value in one.begin)
        way = ", ".join(str(int(flag)) for flag in (one.sequences, one.backwards, one.zero_masked, started))
        rows, steps, _ = one.x.shape
        carried = one.call in self.states
        own = f"state + {self.states[one.call]}" if carried else "room"
        self.room = max(self.room, room + (0 if carried else states * wide))
        given = own if carried else "h"
        second = f"{own} + {wide}" if states == 2 else "0"
        behind = "room" if carried else f"room + {states * wide}"
        x, to = self.at(one.x), self.at(one.to)
        mask = "0" if one.mask is None else self.at(one.mask)
        ends = [(index, end) for index, end in enumerate(one.ends) if end.buffer in self.read]
        if carried:
            run = f"dr_recurrence({layer}, &way, {x}, {mask}, {_size(steps)}, {given}, {second}, {to}, {behind});"
            lines = [f"const dr_way way = {{{way}}};", run]
            lines += [f"dr_copy({own} + {index * wide}, {self.at(end)}, {one.units});" for index, end in ends]
            return _block(lines)
        begin = [
            f"dr_copy({self.at(one.initial[index])} + row * {one.units}, room + {index * wide}, {one.units});"
            if one.initial
            else f"dr_fill(room + {index * wide}, {number(one.begin[index])}, {one.units});"
            for index in range(states)
        ]
        steps_in, width_out = elements(one.x.shape[1:]), elements(one.to.shape[1:])
        mask_row = mask if mask == "0" else f"{mask} + row * {elements((steps,))}"
        lines = [
            f"const dr_way way = {{{way}}};",
            "ptrdiff_t row;",
            f"for (row = 0; row < {_size(rows)}; row++) {{",
            f"  dr_fill(room, 0.0f, {states * wide});",
            *[f"  {line}" for line in begin],
            f"  dr_recurrence({layer}, &way, {x} + row * {steps_in}, {mask_row}, {_size(steps)}, room, "
            f"{second}, {to} + row * {width_out}, {behind});",
            *[
                f"  dr_copy(room + {index * wide}, {self.at(end)} + row * {one.units}, {one.units});"
                for index, end in ends
            ],
            "}",
        ]
        return _block(lines)

    def _write_activate(self, one: form.Activate) -> list[str]:
        to, count = self.at(one.to), elements(one.to.shape)
        rows, width = elements(one.to.shape[:-1]), _size(one.to.shape[-1])
        return [
            f"dr_copy({self.at(one.x)}, {to}, {count});",
            f"dr_activate_rows({kind(one.activation)}, {parameter(one.activation)}, {to}, {rows}, (int)({width}));",
        ]

    def _write_combine(self, one: form.Combine) -> list[str]:
        operands = [*one.operands, *[one.operands[0]] * (3 - len(one.operands))]
        strides = [_broadcast(tensor.shape, one.to.shape) for tensor in operands]
        strides[len(one.operands) :] = [["0"] * len(one.to.shape)] * (3 - len(one.operands))
        read = ", ".join(self.at(tensor) for tensor in operands)
        walk = self._walk(one, one.to.shape, strides)
        return _block([walk, f"dr_combine(DR_{one.function.upper()}, &walk, {read}, {self.at(one.to)});"])

    def _write_reduce(self, one: form.Reduce) -> list[str]:
        shape = one.x.shape
        outer, count, inner = shape[: one.first], shape[one.first : one.last + 1], shape[one.last + 1 :]
        sizes = ", ".join(elements(part) for part in (outer, count, inner))
        return [f"dr_reduce(DR_{one.function.upper()}, {self.at(one.x)}, {sizes}, {self.at(one.to)});"]

    def _write_join(self, one: form.Join) -> list[str]:
        lines, before = [], 0
        whole = _strides(one.to.shape)
        for part in one.parts:
            to = f"{self.at(one.to)} + {before} * ({whole[one.axis]})"
            lines += self._move(one, part.shape, self.at(part), _strides(part.shape), to, whole)
            before += part.shape[one.axis] or 0
        return lines

    def _write_slice(self, one: form.Slice) -> list[str]:
        strides = _strides(one.x.shape)
        offsets = [
            f"({begin} + {_size(size)}) * ({stride})" if begin < 0 else f"{begin} * ({stride})"
            for begin, size, stride in zip(one.begin, one.x.shape, strides, strict=True)
            if begin
        ]
        start = " + ".join([self.at(one.x), *offsets])
        apart = [f"{step} * ({stride})" for step, stride in zip(one.steps, strides, strict=True)]
        return self._move(one, one.to.shape, start, apart, self.at(one.to), _strides(one.to.shape))

    def _write_transpose(self, one: form.Transpose) -> list[str]:
        strides = _strides(one.x.shape)
        turned = [strides[axis] for axis in one.order]
        return self._move(one, one.to.shape, self.at(one.x), turned, self.at(one.to), _strides(one.to.shape))

    def _write_tile(self, one: form.Tile) -> list[str]:
        strides = _broadcast(one.x.shape, one.to.shape)
        return self._move(one, one.to.shape, self.at(one.x), strides, self.at(one.to), _strides(one.to.shape))

    def _write_multiply(self, one: form.Multiply) -> list[str]:
        *outer, m, n = one.to.shape
        k = one.a.shape[-2 if one.turn_a else -1]
        a = ("1", _size(m)) if one.turn_a else (_size(k), "1")
        b = ("1", _size(k)) if one.turn_b else (_size(n), "1")
        sizes = ", ".join([elements(tuple(outer)), _size(m), _size(k), _size(n)])
        left, right = f"{self.at(one.a)}, {', '.join(a)}", f"{self.at(one.b)}, {', '.join(b)}"
        return [f"dr_matrices({left}, {right}, {sizes}, {self.at(one.to)});"]

    def _write_pool(self, one: form.Pool) -> list[str]:
        rows, steps, inputs = map(_size, one.x.shape)
        window = f"const dr_window window = {{{one.window}, {one.stride}, 1, {one.before}}};"
        call = f"dr_pool({int(one.function == 'mean')}, &window, {self.at(one.x)}, {rows}, {steps}, {inputs}"
        return _block([window, f"{call}, {_size(one.to.shape[1])}, {self.at(one.to)});"])

    def _move(
        self, one: Operation, sizes: Shape, start: str, strides: Sequence[str], to: str, to_strides: Sequence[str]
    ) -> list[str]:
        return _block([self._walk(one, sizes, [strides, to_strides]), f"dr_move(&walk, {start}, {to});"])

    def _walk(self, one: Operation, sizes: Shape, strides: Sequence[Sequence[str]]) -> str:
        """Define a walk: axes of size 1 are left out, and the others stand last."""
        kept = [axis for axis, size in enumerate(sizes) if size != 1]
        if len(kept) > _AXES:
            raise UnsupportedModelError(f"{one.layer} computes on arrays of more than {_AXES} axes, which C has not")
        front = _AXES - len(kept)
        rows = [["1"] * front + [_size(sizes[axis]) for axis in kept]]
        rows += [["0"] * front + [row[axis] for axis in kept] for row in strides]
        rows += [["0"] * _AXES] * (4 - len(rows))
        return f"const dr_walk walk = {{{', '.join('{' + ', '.join(row) + '}' for row in rows)}}};"


def elements(shape: Sequence[Size]) -> str:
    """Write how many elements a shape has; ``n`` is the number of time steps."""
    known = math.prod(size for size in shape if size is not None)
    return " * ".join(["n"] * list(shape).count(None) + ([str(known)] if known != 1 or None not in shape else []))


def _size(size: Size) -> str:
    return "n" if size is None else str(size)


def _strides(shape: Shape) -> list[str]:
    return [elements(shape[axis + 1 :]) for axis in range(len(shape))]


def _broadcast(shape: Shape, to: Shape) -> list[str]:
    """Return the strides of an array as numpy broadcasts it: 0 on the axes that it repeats."""
    own = _strides(shape)
    front = len(to) - len(shape)
    return ["0"] * front + ["0" if size == 1 else stride for size, stride in zip(shape, own, strict=True)]


def _block(lines: list[str]) -> list[str]:
    return ["{", *[f"  {line}" for line in lines], "}"]
