"""Write the functions by which ``deeprnn_edge`` calls any model: the same names for all, rows of a batch in turn."""

from __future__ import annotations

from deeprnn_export.targets.c.header import names
from deeprnn_export.targets.c.layout import TYPES, Layout, Port


def write_host(layout: Layout) -> str:
    """Return the part that is compiled with ``DEEPRNN_EDGE_HOST``."""
    text = ["\n#ifdef DEEPRNN_EDGE_HOST\n", _function(layout, "run", "work", f"{layout.prefix}_run({names(layout)})")]
    if layout.streams:
        state = f"({layout.prefix}_state *)(void *)(states + row * {layout.prefix.upper()}_STATE_FLOATS)"
        text.append(_function(layout, "push", "states", f"{layout.prefix}_push({state}, {names(layout)})"))
    return "".join([*text, "#endif\n"])


def _function(layout: Layout, name: str, memory: str, call: str) -> str:
    given = f"int32_t rows, int32_t steps, const void *const *inputs, float *const *outputs, float *{memory}"
    lines = [f"int deeprnn_edge_{name}({given});", f"int deeprnn_edge_{name}({given}) {{"]
    lines += ["  ptrdiff_t row;", "  int wrong = 0;", "  (void)steps;", f"  (void){memory};"]
    lines.append("  for (row = 0; row < rows && !wrong; row++) {")
    for number, port in enumerate(layout.inputs):
        kind = TYPES[port.kind]
        lines.append(
            f"    const {kind} *const {port.argument} = (const {kind} *)inputs[{number}] + row * {_row(port)};"
        )
    for number, port in enumerate(layout.outputs):
        lines.append(f"    float *const {port.argument} = outputs[{number}] + row * {_row(port)};")
    return "\n".join([*lines, f"    wrong = {call};", "  }", "  return wrong;", "}", ""])


def _row(port: Port) -> str:
    """Return how far apart two rows' elements are."""
    return " * ".join([*["(ptrdiff_t)steps"] * port.tensor.shape.count(None), str(port.step_size)])
