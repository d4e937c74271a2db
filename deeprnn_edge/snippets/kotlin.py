"""Write the program in Kotlin, on the interpreter of LiteRT's package for Android.

Its CompiledModel, which is newer, cannot leave XNNPACK out: https://ai.google.dev/edge/litert/android
"""

from __future__ import annotations

import math

from deeprnn_edge.snippets.affine import Affine, affine_of, scale_helper
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, initial, kotlin_string, lines, number
from deeprnn_edge.snippets.rendering import fill, fill_program

FILE = "Snippet.kt"
MARK = "//"
COMMANDS = (
    "Into an Android project: {file} into app/src/main/java, {model} into app/src/main/assets, and",
    "",
    'implementation("com.google.ai.edge.litert:litert:1.4.2")',
    "",
    "or newer into the dependencies of app/build.gradle.kts. Then call, outside of the main thread,",
    "",
    'checkModel(assets.open("{asset}").readBytes())',
    "",
    "which prints to logcat, as System.out. On a JVM that has the library: the program takes the path of the model.",
)
# The array that holds a dtype's literals; a bool is a byte.
_ARRAYS = {"float32": "float", "float64": "double", "int32": "int", "int64": "long", "bool": "byte"}


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    return fill_program(
        "kotlin",
        about,
        example,
        has_arena=False,
        model=kotlin_string(model),
        options=fill("kotlin", "delegates" if example.delegates else "plain", {}).rstrip(),
        state_class=fill("kotlin", "state_class", {}) if example.states else "",
        tables=_tables(example),
        helpers=scale_helper("kotlin", example),
    )


def _tables(example: Example) -> str:
    tables = ["private val INPUTS = listOf(", *(_input(one, affine_of(example, one)) for one in example.inputs), ")"]
    tables += ["private val OUTPUTS = listOf(", *map(_output, example.outputs), ")"]
    if example.steps is not None:
        tables += ["private val STATES = listOf(", *map(_state, example.states), ")"]
        tables += [f"private const val STEPS = {example.steps}"]
    return "\n".join(tables)


def _input(tensor: Tensor, affine: Affine | None) -> str:
    numbers = _numbers(tensor) if affine is None else _affine(affine)
    if tensor.is_cut:
        numbers = f"{numbers}.let {{ first -> List({tensor.count}) {{ first[it % first.size] }} }}"
    return f"  // {tensor.dtype} {list(tensor.shape)}\n  Input({_head(tensor)}, {numbers}),"


def _affine(affine: Affine) -> str:
    kind = _ARRAYS[affine.values.dtype.name]
    values = lines((number(value, long_suffix="L") for value in affine.values), "    ")
    columns, scales = lines(map(str, affine.columns), "    "), lines(map(as_double, affine.scales.ravel()), "    ")
    return (
        f"scale({kind}ArrayOf(\n{values}\n  ).toList(), {affine.width}, intArrayOf(\n{columns}\n  ), "
        f"doubleArrayOf(\n{scales}\n  ))"
    )


def _output(tensor: Tensor) -> str:
    return f"  // {tensor.dtype} {list(tensor.shape)}\n  Output({_head(tensor)}, {tensor.count}, {_numbers(tensor)}),"


def _state(state: State) -> str:
    names = f"{kotlin_string(state.name)}, {kotlin_string(state.next_name)}"
    value = _plain(initial(state.initial, state.dtype, long_suffix="L"))
    return f"  // {state.dtype} {list(state.shape)}\n  State({names}, {math.prod(state.shape)}, {value}),"


def _head(tensor: Tensor) -> str:
    return f"{kotlin_string(tensor.name)}, {tensor.step_size}, {str(tensor.by_step).lower()}"


def _numbers(tensor: Tensor) -> str:
    items = (_plain(number(value, long_suffix="L")) for value in tensor.numbers)
    return f"{_ARRAYS[tensor.dtype]}ArrayOf(\n{lines(items, '    ')}\n  ).toList()"


def _plain(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text, text)
