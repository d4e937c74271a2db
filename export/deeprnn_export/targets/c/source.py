"""Write ``model.c`` and ``model.h``: kernels, constants, the steps of the program, and the functions to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeprnn_edge.bundle.artifact import StoredTensor
from deeprnn_export.lowering.program.form import (
    Activate,
    Combine,
    Convolve,
    Dense,
    Embed,
    Operation,
    Pool,
    Program,
    Recur,
    Reduce,
)
from deeprnn_export.targets.c.header import arguments, names, write_header
from deeprnn_export.targets.c.host import write_host
from deeprnn_export.targets.c.kernel_text import kernel_text, renamed
from deeprnn_export.targets.c.layout import TYPES, Layout, Port
from deeprnn_export.targets.c.names import in_comment, json_in_comment
from deeprnn_export.targets.c.statements import Writer
from deeprnn_export.targets.c.weights import Weights

DESCRIPTION = "/* deeprnn-edge: "
_HEADERS: dict[type[Operation], str] = {
    Recur: "recurrence.h", Dense: "dense.h", Convolve: "conv.h", Pool: "conv.h", Embed: "embedding.h",
    Activate: "activations.h",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Hold the text of a model's files, and what they hold.

    Attributes:
        work: floats of memory of one call, as a polynomial of its steps (of the block, where it streams).
    """

    code: str
    header: str
    stored: tuple[StoredTensor, ...]
    weights_bytes: int
    work: tuple[int, int, int]


def write_source(program: Program, layout: Layout, *, name: str, narrow: bool) -> Source:
    """Write a program.

    Args:
        program: what the model computes.
        layout: where everything lies.
        name: the model's, for people.
        narrow: whether large matrices are int8.
    """
    weights = Weights(narrow)
    read = {tensor.buffer for one in program.operations for tensor in one.reads} | {
        tensor.buffer for tensor in program.outputs
    }
    writer = Writer(weights, dict(layout.places), layout.offsets, read)
    inner, outer = _statements(program, layout, writer)
    work = (layout.work[0] + writer.room, *layout.work[1:])
    advance = _advance(layout, inner, outer, work, writer)
    kernels = kernel_text([*_headers(program)])
    kinds = [type(one).__name__ for one in program.operations]
    description = {
        "version": 1,
        "prefix": layout.prefix,
        "inputs": [_described(port) for port in layout.inputs],
        "outputs": [_described(port) for port in layout.outputs],
        "states": [{"offset": one.offset, "shape": one.shape} for one in layout.states],
        "state_floats": layout.state_floats,
        "streams": layout.streams,
        "work": work,
        "weights_bytes": weights.size_bytes,
        "operations": {kind: kinds.count(kind) for kind in sorted(set(kinds) - {"Input", "Constant", "ToFloat"})},
    }
    header = write_header(layout, work, name=name, narrow=narrow)
    upper = layout.prefix.upper()
    own = "".join(weights.structs) + advance
    code = "".join(
        [
            f"/* {in_comment(name)}: C99 with its weights, made by deeprnn-edge. Needs no other file and no library.\n"
            f" * {upper}_PORTABLE leaves AVX2 out, which is else taken at run time where the processor has it. */\n",
            f"{DESCRIPTION}{json_in_comment(description)} */\n\n",
            "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n",
            header,
            "\n/* The kernels. */\n\n",
            kernels,
            "\n/* The weights. */\n\n",
            *weights.arrays,
            "\n/* The network. */\n\n",
            own,
            _second_copy(upper, kernels, own),
            _functions(layout),
            write_host(layout),
        ]
    )
    return Source(code, header, tuple(weights.stored), weights.size_bytes, work)


def _headers(program: Program) -> Sequence[str]:
    found = {"inputs.h", *[_HEADERS[type(one)] for one in program.operations if type(one) in _HEADERS]}
    others = {"Combine", "Reduce", "Join", "Slice", "Transpose", "Tile", "Multiply"}
    if any(type(one).__name__ in others or isinstance(one, Combine | Reduce) for one in program.operations):
        found.add("elementwise.h")
    return sorted(found)


def _statements(program: Program, layout: Layout, writer: Writer) -> tuple[list[str], list[str]]:
    """Write what runs for each block of steps, and what runs behind the last one."""
    inner: list[str] = []
    outer: list[str] = []
    for one in program.operations:
        lines = writer.write(one)
        said = [f"/* {type(one).__name__}: {in_comment(one.layer)} */"] if lines and one.layer else []
        timed = one.to.timed or any(tensor.timed for tensor in one.reads)
        (inner if timed and layout.streams else outer).extend([*said, *lines])
    for port in layout.outputs:
        count = f"n * {port.step_size}" if port.timed else str(port.step_size)
        if port.tensor.shape.count(None) == 2:
            count = f"n * {count}"
        to = f"to_{port.argument}"
        if layout.streams and port.timed:
            inner.append(f"dr_copy({writer.at(port.tensor)}, {to} + done * {port.step_size}, {count});")
        else:
            outer.append(f"dr_copy({writer.at(port.tensor)}, {to}, {count});")
    return inner, outer


def _advance(layout: Layout, inner: list[str], outer: list[str], work: tuple[int, int, int], writer: Writer) -> str:
    upper = layout.prefix.upper()
    floats = f"{work[0]} + {work[1]} * {upper}_BLOCK"
    begin = f"{layout.work[0]} + {layout.work[1]} * {upper}_BLOCK"
    if layout.streams:
        lines = [
            f"float work[{floats}];",
            *([f"float *const room = work + {begin};"] if writer.room else []),
            "ptrdiff_t done, n;",
            f"for (done = 0; done < steps; done += {upper}_BLOCK) {{",
            f"  n = steps - done < {upper}_BLOCK ? steps - done : {upper}_BLOCK;",
            *[f"  {line}" for line in inner],
            "}",
            *outer,
        ]
    else:
        terms = " + ".join(f"{count}{' * n' * power}" for power, count in enumerate(layout.work) if count or not power)
        lines = ["const ptrdiff_t n = steps;"] if layout.timed else []
        lines += [f"float *const room = work + {terms};"] if writer.room else []
        lines += outer
    body = "\n".join(f"  {line}" for line in [*lines, *[f"(void){name};" for name in _unused(layout)]])
    return f"DR_FUNCTION void dr_advance({_parameters(layout)}) {{\n{body}\n}}\n\n"


def _parameters(layout: Layout) -> str:
    own = [f"const {TYPES[port.kind]} *in_{port.argument}" for port in layout.inputs]
    own += [f"float *to_{port.argument}" for port in layout.outputs]
    return ", ".join(["float *state" if layout.streams else "float *work", *own, "ptrdiff_t steps"])


def _unused(layout: Layout) -> list[str]:
    """Name parameters that a program may have no use for."""
    return ["state" if layout.streams else "work", "steps", *[f"in_{port.argument}" for port in layout.inputs]]


def _second_copy(upper: str, kernels: str, own: str) -> str:
    return (
        f"\n#if defined(__x86_64__) && defined(__GNUC__) && !defined(__AVX2__) && !defined(DR_SCALAR) && "
        f"!defined({upper}_PORTABLE)\n"
        "/* The same kernels and network once more, for processors with AVX2 and FMA. */\n"
        f"#define {upper}_CHOOSES\n#define DR_AVX2_USE_AVX2\n#include <immintrin.h>\n"
        "#if defined(__clang__)\n"
        '#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)\n'
        '#else\n#pragma GCC push_options\n#pragma GCC target("avx2,fma")\n#endif\n\n'
        f"{renamed(kernels, 'avx2')}\n{renamed(own, 'avx2')}"
        "#if defined(__clang__)\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n#endif\n#endif\n\n"
    )


def _functions(layout: Layout) -> str:
    prefix, upper = layout.prefix, layout.prefix.upper()
    given = ", ".join(port.argument for port in (*layout.inputs, *layout.outputs))
    memory = "state->values" if layout.streams else "work"
    steps = "steps" if layout.timed else "0"
    checks = ["if (steps < 1) return " + f"{upper}_BAD_STEPS;"] if layout.timed else []
    for number, port in enumerate(layout.inputs, start=1):
        if port.id_count is not None:
            count = f"(ptrdiff_t)steps * {port.step_size}" if port.timed else str(port.step_size)
            checks.append(f"if (!dr_within({port.argument}, {count}, {port.id_count})) return {number};")
    body = [
        *checks,
        f"#ifdef {upper}_CHOOSES",
        'if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {',
        f"  dr_avx2_advance({memory}, {given}, {steps});",
        "  return 0;",
        "}",
        "#endif",
        f"dr_advance({memory}, {given}, {steps});",
        "return 0;",
    ]
    text = "\n".join(line if line.startswith("#") else f"  {line}" for line in body)
    if not layout.streams:
        return f"int {prefix}_run({arguments(layout)}) {{\n{text}\n}}\n"
    begin = [
        f"  dr_fill(state->values + {one.offset}, {one.begin:.9g}f, {_count(one.shape)});"
        for one in layout.states
        if one.begin
    ]
    resets = "\n".join([f"  dr_fill(state->values, 0.0f, {upper}_STATE_FLOATS);", *begin])
    return (
        f"void {prefix}_reset({prefix}_state *state) {{\n{resets}\n}}\n\n"
        f"int {prefix}_push({prefix}_state *state, {arguments(layout)}) {{\n{text}\n}}\n\n"
        f"int {prefix}_run({arguments(layout)}) {{\n"
        f"  {prefix}_state state;\n  {prefix}_reset(&state);\n  return {prefix}_push(&state, {names(layout)});\n}}\n"
    )


def _count(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _described(port: Port) -> dict[str, Any]:
    return {
        "name": port.spec.name,
        "dtype": port.spec.dtype,
        "shape": list(port.spec.shape),
        "kind": port.kind,
        "axes": list(port.tensor.shape[1:]),
    }
