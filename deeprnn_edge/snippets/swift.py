"""Write the program in Swift, on the interpreter of the pod TensorFlowLiteSwift, which is LiteRT's for iOS."""

from __future__ import annotations

import math

import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_edge.snippets.affine import Affine, affine_of, scale_helper
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, initial, lines, number, swift_string
from deeprnn_edge.snippets.rendering import fill, fill_program

FILE = "main.swift"
MARK = "//"
COMMANDS = (
    "In Xcode: a new iOS app, in place of its App struct this file, as main.swift, and {model} among its resources.",
    "In its Podfile, before pod install:",
    "",
    "use_frameworks!",
    "pod 'TensorFlowLiteSwift', '~> 2.14'",
    "",
    "It prints to the console and ends. An app takes what is above the last lines, and calls checkModel(path:).",
)
# The array that holds a dtype's literals; a bool is a byte.
_ARRAYS = {"float32": "Float", "float64": "Double", "int32": "Int32", "int64": "Int64", "bool": "UInt8"}
_LARGEST_WHOLE = 1 << 53  # the program holds every number as a double, on its way to the tensor


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program.

    Raises:
        InputError: for a whole number that a double does not hold.
    """
    for tensor in (*example.inputs, *example.outputs):
        if tensor.dtype == "int64" and np.any(np.abs(tensor.numbers.astype(np.float64)) > _LARGEST_WHOLE):
            raise InputError(
                f"{tensor.name!r} has numbers above {_LARGEST_WHOLE:,} in the golden vectors, which programs in swift "
                "do not hold exactly: take another language"
            )
    return fill_program(
        "swift",
        about,
        example,
        has_arena=False,
        model=swift_string(model),
        options=fill("swift", "delegates" if example.delegates else "plain", {}).rstrip(),
        state_class=fill("swift", "state_class", {}) if example.states else "",
        tables=_tables(example),
        helpers=scale_helper("swift", example),
    )


def _tables(example: Example) -> str:
    tables = [
        _numbers(f"{name}{index}", tensor, affine_of(example, tensor) if name == "input" else None)
        for name, tensors in (("input", example.inputs), ("output", example.outputs))
        for index, tensor in enumerate(tensors)
    ]
    tables += ["let inputs = [", *map(_input, range(len(example.inputs)), example.inputs), "]"]
    tables += ["let outputs = [", *map(_output, range(len(example.outputs)), example.outputs), "]"]
    if example.steps is not None:
        tables += ["let states: [State] = [", *map(_state, example.states), "]", f"let steps = {example.steps}"]
    return "\n".join(tables)


def _numbers(name: str, tensor: Tensor, affine: Affine | None) -> str:
    items = (_plain(number(value, float_suffix="")) for value in tensor.numbers)
    about = f"// {tensor.dtype} {list(tensor.shape)}"
    if affine is not None:
        kind = _ARRAYS[affine.values.dtype.name]
        values = lines((as_double(value).rstrip("f") for value in affine.values), "  ")
        scales = lines(map(as_double, affine.scales.ravel()), "  ")
        return (
            f"let {name}Raw: [{kind}] = [\n{values}\n]\n"
            f"let {name}Columns: [Int] = [\n{lines(map(str, affine.columns), '  ')}\n]\n"
            f"let {name}Scales: [Double] = [\n{scales}\n]\n{about}\n"
            f"let {name} = scale({name}Raw.map {{ Double($0) }}, {affine.width}, {name}Columns, {name}Scales)"
        )
    return f"{about}\nlet {name}: [{_ARRAYS[tensor.dtype]}] = [\n{lines(items, '  ')}\n]"


def _input(index: int, tensor: Tensor) -> str:
    numbers = f"input{index}.map {{ Double($0) }}"
    if tensor.is_cut:
        numbers = f"(0..<{tensor.count}).map {{ Double(input{index}[$0 % input{index}.count]) }}"
    head = f"name: {swift_string(tensor.name)}, count: {tensor.step_size}, byStep: {str(tensor.by_step).lower()}"
    return f"  Input({head}, numbers: {numbers}),"


def _output(index: int, tensor: Tensor) -> str:
    head = f"name: {swift_string(tensor.name)}, byStep: {str(tensor.by_step).lower()}, total: {tensor.count}"
    return f"  Output({head}, expected: output{index}.map {{ Double($0) }}),"


def _state(state: State) -> str:
    names = f"name: {swift_string(state.name)}, nextName: {swift_string(state.next_name)}"
    value = _plain(initial(state.initial, state.dtype, float_suffix=""))
    about = f"  // {state.dtype} {list(state.shape)}\n"
    return f"{about}  State({names}, count: {math.prod(state.shape)}, initial: {value}),"


def _plain(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text, text)
