"""Write the header: what the functions take and give, in shapes, units and errors."""

from __future__ import annotations

from deeprnn_export.targets.c.layout import TYPES, Layout, Port
from deeprnn_export.targets.c.names import in_comment

BLOCK = 16  # steps; enough for the kernels to share what they read, and 10 to 20 KB of stack for usual networks


def write_header(layout: Layout, work: tuple[int, int, int], *, name: str, narrow: bool) -> str:
    """Return the text of ``model.h``.

    Args:
        layout: where everything lies.
        work: floats of memory, as a polynomial of the steps.
        name: the model's, for people.
        narrow: whether the weights are int8, for people.
    """
    prefix, upper = layout.prefix, layout.prefix.upper()
    lines = [
        f"/* {in_comment(name)}{', with weights of int8' if narrow else ''}, as C. Made by deeprnn-edge.",
        " *",
        *[f" * {line}" for line in comment(layout)],
        " */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
    ]
    for number, port in enumerate(layout.inputs, start=1):
        lines.append(f"#define {upper}_INPUT_{number}_SIZE {port.step_size}")
        if port.id_count is not None:
            lines.append(f"#define {upper}_INPUT_{number}_IDS {port.id_count}")
    lines += [f"#define {upper}_OUTPUT_{i}_SIZE {port.step_size}" for i, port in enumerate(layout.outputs, start=1)]
    lines.append(f"#define {upper}_BAD_STEPS -1")
    if layout.streams:
        lines += [
            "",
            "/* Steps that are computed together: more stack, and faster. The answers have the same bits. */",
            f"#ifndef {upper}_BLOCK",
            f"#define {upper}_BLOCK {BLOCK}",
            "#endif",
            f"#define {upper}_STATE_FLOATS {max(layout.state_floats, 1)}",
            f"typedef struct {{\n  float values[{upper}_STATE_FLOATS];\n}} {prefix}_state;",
            "",
            f"void {prefix}_reset({prefix}_state *state);",
            f"int {prefix}_push({prefix}_state *state, {arguments(layout)});",
        ]
    else:
        size = " + ".join(f"{count}{' * (steps)' * power}" for power, count in enumerate(work) if count or not power)
        lines += ["", f"#define {upper}_WORK{'(steps)' if layout.timed else ''} ({size})"]
    lines += [
        f"int {prefix}_run({arguments(layout)});", "", "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""
    ]  # fmt: skip
    return "\n".join(lines)


def arguments(layout: Layout) -> str:
    """Return the parameters that every function has."""
    given = [f"const {TYPES[port.kind]} *{port.argument}" for port in layout.inputs]
    taken = [f"float *{port.argument}" for port in layout.outputs]
    steps = ["int32_t steps"] if layout.timed else []
    return ", ".join([*given, *steps, *taken, *([] if layout.streams else ["float *work"])])


def names(layout: Layout) -> str:
    """Return the same as arguments of a call."""
    ports = [*[port.argument for port in layout.inputs], *(["steps"] if layout.timed else [])]
    return ", ".join([*ports, *[port.argument for port in layout.outputs], *([] if layout.streams else ["work"])])


def comment(layout: Layout) -> list[str]:
    """Return what is to know, a line each."""
    prefix, upper = layout.prefix, layout.prefix.upper()
    lines = [_line(port) for port in layout.inputs]
    lines += [_line(port) for port in layout.outputs]
    if layout.timed:
        lines.append("  steps: time steps, 1 or more.")
    if layout.streams:
        lines += [
            "",
            f"{prefix}_run answers a whole sequence. {prefix}_push goes on from a state and leaves it behind the last",
            f"step; {prefix}_reset is the state before the first one. Whole and cut anywhere are the same bits.",
        ]
    else:
        lines += [
            f"  work: memory of {upper}_WORK{'(steps)' if layout.timed else ''} floats, which need not be filled.",
            "",
            f"{prefix}_run answers a whole sequence; the network has no answer before its end.",
        ]
    lines += [
        f"They return 0; {upper}_BAD_STEPS for fewer steps than 1; and the number of the input, from 1 on, that has",
        "an id out of range. After an error nothing has changed. No memory is allocated and nothing static is written,",
        "so that threads may call them at once, each with its own state and memory.",
    ]
    return lines


def _line(port: Port) -> str:
    shape = ", ".join("steps" if size is None else str(size) for size in port.tensor.shape[1:]) or "1"
    what = {"ids": "int32", "bytes": "bool, a byte each", "floats": "float32"}[port.kind]
    if port.id_count is not None:
        what = f"int32 ids in [0, {port.id_count})"
    return f"  {port.argument} ({shape}): {what}; the model's {in_comment(port.spec.name)}."
