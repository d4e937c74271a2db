"""Write ``model_test.c``: the golden vectors, so that a build of the model can be tried where it is to run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deeprnn_edge.bundle.golden import Case
from deeprnn_export.targets.c.header import names
from deeprnn_export.targets.c.layout import TYPES, Layout, Port
from deeprnn_export.targets.c.literals import number

_MOST = 4_000  # numbers in all: a chip's flash has to hold them too


def write_self_test(layout: Layout, cases: Sequence[Case], *, header: str, atol: float) -> str:
    """Return the text of ``model_test.c``.

    Args:
        layout: of the model.
        cases: Keras's answers.
        header: the name of the model's header.
        atol: the largest difference that passes.
    """
    rows: list[int] = []
    arrays: list[str] = []
    left = _MOST
    for case in cases:
        count = len(next(iter(case.inputs.values())))
        for row in range(count):
            values = [case.inputs[port.spec.name][row] for port in layout.inputs]
            expected = [case.outputs[port.spec.name][row] for port in layout.outputs]
            if not all(np.isfinite(array).all() for array in (*values, *expected)):
                continue  # C has no portable constant for these, and no difference from them is a number
            left -= sum(array.size for array in (*values, *expected))
            if rows and left < 0:
                break
            at = len(rows)
            arrays += [
                _declare(f"{kind}_{at}_{place}", port, array)
                for kind, ports, found in (("in", layout.inputs, values), ("out", layout.outputs, expected))
                for place, (port, array) in enumerate(zip(ports, found, strict=True))
            ]
            rows.append(_steps(layout, values))
    calls = "\n".join(f"  worst = larger(worst, row_{at}());" for at in range(len(rows)))
    tests = "\n".join(_row(layout, at, steps) for at, steps in enumerate(rows))
    return (
        f"/* Answer golden vectors as Keras did: prints ok and the largest difference, or exits with 1.\n"
        f" * cc {header.replace('.h', '.c')} {header.replace('.h', '_test.c')} && ./a.out */\n"
        f'#include "{header}"\n\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n'
        "static double larger(double a, double b) { return a >= b ? a : b; /* a NaN wins */ }\n\n"
        "static double apart(const float *found, const float *expected, int count) {\n"
        "  double worst = 0;\n  int i;\n  for (i = 0; i < count; i++) {\n"
        "    const double difference = (double)found[i] - (double)expected[i];\n"
        "    worst = larger(difference < 0 ? -difference : difference, worst);\n  }\n  return worst;\n}\n\n"
        + "".join(arrays)
        + f"\n{tests}\nint main(void) {{\n  double worst = 0;\n{calls}\n"
        f"  if (!(worst <= {atol!r})) {{\n"
        f'    printf("failed: the largest difference from Keras is %g, and {atol:g} is the most\\n", worst);\n'
        "    return 1;\n  }\n"
        f'  printf("ok: {len(rows)} rows, the largest difference from Keras is %g\\n", worst);\n  return 0;\n}}\n'
    )


def _steps(layout: Layout, values: Sequence[np.ndarray]) -> int:
    for port, array in zip(layout.inputs, values, strict=True):
        if port.timed:
            return int(array.shape[port.tensor.shape.index(None) - 1])
    return 0


def _row(layout: Layout, at: int, steps: int) -> str:
    prefix, upper = layout.prefix, layout.prefix.upper()
    sizes = [port.step_size * max(steps, 1) ** port.tensor.shape.count(None) for port in layout.outputs]
    lines = [f"static double row_{at}(void) {{", "  double worst = 0;", "  int error;"]
    lines += [f"  static float to_{place}[{size}];" for place, size in enumerate(sizes)]
    ins = [f"in_{at}_{place}" for place in range(len(layout.inputs))]
    outs = [f"to_{place}" for place in range(len(layout.outputs))]
    given = names(layout).split(", ")
    values = dict(zip([port.argument for port in (*layout.inputs, *layout.outputs)], [*ins, *outs], strict=True))
    values |= {"steps": str(steps), "work": "work"}
    call = ", ".join(values[name] for name in given)
    if not layout.streams:
        memory = f"{upper}_WORK{f'({steps})' if layout.timed else ''}"
        lines.append(f"  float *const work = (float *)malloc(({memory} + 1) * sizeof(float));")
    lines += [f"  error = {prefix}_run({call});", "  if (error) {",
              '    printf("failed: the error %d\\n", error);', "    exit(1);", "  }"]  # fmt: skip
    lines += [
        f"  worst = larger(worst, apart(to_{place}, out_{at}_{place}, {size}));" for place, size in enumerate(sizes)
    ]
    lines += [] if layout.streams else ["  free(work);"]
    if layout.streams and steps > 1:
        lines += _cut(layout, at, steps, sizes)
    return "\n".join([*lines, "  return worst;", "}", ""])


def _cut(layout: Layout, at: int, steps: int, sizes: Sequence[int]) -> list[str]:
    """Push the row in two parts and compare bits."""
    prefix, first = layout.prefix, max(1, steps // 3)
    lines = ["  {", f"    {prefix}_state state;"]
    lines += [f"    static float cut_{place}[{size}];" for place, size in enumerate(sizes)]
    lines += [f"    {prefix}_reset(&state);"]
    for begin, count in ((0, first), (first, steps - first)):
        arguments = [
            f"in_{at}_{place}" + (f" + {begin * port.step_size}" if port.timed else "")
            for place, port in enumerate(layout.inputs)
        ]
        arguments += [str(count)]
        arguments += [
            f"cut_{place}" + (f" + {begin * port.step_size}" if port.timed else "")
            for place, port in enumerate(layout.outputs)
        ]
        lines.append(f"    {prefix}_push(&state, {', '.join(arguments)});")
    for place, size in enumerate(sizes):
        lines += [
            f"    if (memcmp(cut_{place}, to_{place}, {size} * sizeof(float)) != 0) {{",
            '      printf("failed: cut in two, a sequence has another answer\\n");',
            "      exit(1);",
            "    }",
        ]
    return [*lines, "  }"]


def _declare(name: str, port: Port, array: np.ndarray) -> str:
    flat = np.ravel(array)
    if port.kind == "floats":
        words = [number(value) for value in np.asarray(flat, np.float32).tolist()]
    else:
        words = [str(int(value)) for value in flat]
    lines = ",\n  ".join(", ".join(words[start : start + 12]) for start in range(0, len(words), 12))
    return f"static const {TYPES[port.kind]} {name}[{len(words)}] = {{\n  {lines}}};\n"
