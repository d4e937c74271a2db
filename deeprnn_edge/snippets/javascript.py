"""Write the program in JavaScript for Node, on onnxruntime-node."""

from __future__ import annotations

import math

from deeprnn_edge.packages import ONNXRUNTIME_JS as VERSION
from deeprnn_edge.snippets.affine import Affine, affine_of, scale_helper
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, initial, json_string, lines, number
from deeprnn_edge.snippets.rendering import fill_program

FILE = "snippet.mjs"
MARK = "//"
COMMANDS = (
    f"npm install onnxruntime-node@{VERSION}",
    "node {file} {model}",
    "",
    "In the browser: onnxruntime-web has the same calls; InferenceSession.create then takes an address.",
)
_ARRAYS = {
    "float32": "Float32Array",
    "float64": "Float64Array",
    "int32": "Int32Array",
    "int64": "BigInt64Array",
    "bool": "Uint8Array",
}


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    return fill_program(
        "javascript",
        about,
        example,
        model=json_string(model),
        tables=_tables(example),
        helpers=scale_helper("javascript", example),
    )


def _tables(example: Example) -> str:
    tables = ["const INPUTS = [", *(_input(one, affine_of(example, one)) for one in example.inputs), "];"]
    tables += ["const OUTPUTS = [", *map(_output, example.outputs), "];"]
    if example.steps is not None:
        tables += [f"const STEPS = {example.steps};", "const STATES = [", *map(_state, example.states), "];"]
    return "\n".join(tables)


def _input(tensor: Tensor, affine: Affine | None) -> str:
    numbers = _array(tensor) if affine is None else _affine(affine)
    if tensor.is_cut:
        first = tensor.numbers.size
        numbers = f"{_ARRAYS[tensor.dtype]}.from({{ length: {tensor.count} }}, (_, i) => {numbers}[i % {first}])"
    return f"  {{ {_head(tensor.name, tensor)}, numbers: {numbers}{_step(tensor)} }},"


def _affine(affine: Affine) -> str:
    values, scales = (
        lines((as_double(value).rstrip("f") for value in of.ravel()), "    ") for of in (affine.values, affine.scales)
    )
    columns = lines(map(str, affine.columns), "    ")
    # A float32 is written in full, so that widening it is exact: its short form is another double.
    kind = "Float32Array" if affine.values.dtype == "float32" else "Float64Array"
    return f"scale({kind}.of(\n{values}\n  ), {affine.width}, [\n{columns}\n  ], Float64Array.of(\n{scales}\n  ))"


def _output(tensor: Tensor) -> str:
    name = json_string(tensor.name)
    return f"  {{ name: {name}, count: {tensor.count}, expected: {_array(tensor)}{_step(tensor)} }},"


def _state(state: State) -> str:
    array = f"new {_ARRAYS[state.dtype]}({math.prod(state.shape)})"
    value = initial(state.initial, state.dtype, float_suffix="")
    filled = array if state.initial == 0 else f"{array}.fill({_plain(value, state.dtype)})"
    return f"  {{ {_head(state.name, state)}, numbers: {filled}, nextName: {json_string(state.next_name)} }},"


def _head(name: str, of: Tensor | State) -> str:
    return f'name: {json_string(name)}, type: "{of.dtype}", shape: {list(of.shape)}'


def _step(tensor: Tensor) -> str:
    return f", stepSize: {tensor.step_size}" if tensor.by_step else ""


def _array(tensor: Tensor) -> str:
    numbers = (_plain(number(value, float_suffix="", long_suffix=""), tensor.dtype) for value in tensor.numbers)
    return f"{_ARRAYS[tensor.dtype]}.of(\n{lines(numbers, '    ')}\n  )"


def _plain(text: str, dtype: str) -> str:
    """Write a number as the typed array takes it: a bool is a byte, an int64 a BigInt."""
    return f"{text}n" if dtype == "int64" else {"true": "1", "false": "0"}.get(text, text)
