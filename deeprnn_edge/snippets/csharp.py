"""Write the program in C#, on ONNX Runtime's package for .NET."""

from __future__ import annotations

import math

from deeprnn_edge.snippets.affine import Affine, affine_of
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, initial, json_string, lines, number
from deeprnn_edge.snippets.rendering import fill, fill_program

FILE = "Snippet.cs"
MARK = "//"
COMMANDS = (
    "dotnet new console -o snippet",
    "cp {file} snippet/Program.cs",
    "dotnet add snippet package Microsoft.ML.OnnxRuntime --version 1.26.0",
    "dotnet run --project snippet -- {model}",
)
_TYPES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long", "bool": "bool"}


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    streams = example.steps is not None
    indent = " " * (24 if streams else 20)
    call = {
        "feeds": "\n".join(indent + _feed(index, tensor) for index, tensor in enumerate(example.inputs)),
        "answers": "\n".join(
            f"                var answer{index} = new List<double>();" for index in range(len(example.outputs))
        ),
        "collect": "\n".join(_collect(index, tensor, streams) for index, tensor in enumerate(example.outputs)),
        "states": "\n".join(f"                    {_state(state)}" for state in example.states),
        "first_state": str(len(example.outputs)),
    }
    return fill_program(
        "csharp",
        about,
        example,
        call=call,
        model=json_string(model),
        tables=_tables(example),
        helpers="".join(
            fill("csharp", name, {})
            for name, used in (
                ("repeat", any(tensor.is_cut for tensor in example.inputs)),
                ("scale", any(affine_of(example, tensor) for tensor in example.inputs)),
            )
            if used
        ),
        checks="\n".join(_check(index, tensor) for index, tensor in enumerate(example.outputs)),
    )


def _tables(example: Example) -> str:
    tables = [
        f"    private static readonly string[] {name} = {{ {', '.join(map(json_string, names))} }};"
        for name, names in (("Inputs", example.fed), ("Outputs", example.answered))
    ]
    if example.steps is not None:
        tables.append(f"    private const int Steps = {example.steps};")
    for index, tensor in enumerate(example.inputs):
        if (affine := affine_of(example, tensor)) is not None:
            tables.append(_affine(index, affine))
            continue
        kind = _TYPES[tensor.dtype]
        numbers = lines((number(value, long_suffix="L") for value in tensor.numbers), "        ")
        array = f"new {kind}[]\n    {{\n{numbers}\n    }}"
        if tensor.is_cut:
            array = f"Repeat({tensor.count}, {array})"
        tables.append(f"    private static readonly {kind}[] Input{index} = {array};")
    for index, tensor in enumerate(example.outputs):
        numbers = lines(map(as_double, tensor.numbers), "        ")
        tables.append(f"    private static readonly double[] Expected{index} =\n    {{\n{numbers}\n    }};")
    return "\n".join(tables)


def _affine(index: int, affine: Affine) -> str:
    parts = (
        ("double", "Raw", map(as_double, affine.values)),
        ("int", "Columns", map(str, affine.columns)),
        ("double", "Scales", map(as_double, affine.scales.ravel())),
    )
    tables = [
        f"    private static readonly {kind}[] {name}{index} =\n    {{\n{lines(numbers, '        ')}\n    }};"
        for kind, name, numbers in parts
    ]
    call = f"Scale(Raw{index}, {affine.width}, Columns{index}, Scales{index})"
    return "\n".join([*tables, f"    private static readonly float[] Input{index} = {call};"])


def _feed(index: int, tensor: Tensor) -> str:
    array, size = f"Input{index}", tensor.step_size
    if tensor.by_step:
        array = f"{array}.Skip(step * {size}).Take({size}).ToArray()"
    return f"OrtValue.CreateTensorValueFromMemory({array}, {_shape(tensor)}),"


def _collect(index: int, tensor: Tensor, streams: bool) -> str:
    clear = f"                    answer{index}.Clear();\n" if streams and not tensor.by_step else ""
    return f"{clear}                    Append<{_TYPES[tensor.dtype]}>(answer{index}, outputs[{index}]);"


def _state(state: State) -> str:
    count, value = math.prod(state.shape), initial(state.initial, state.dtype, long_suffix="L")
    return f"OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat({value}, {count}).ToArray(), {_shape(state)}),"


def _shape(of: Tensor | State) -> str:
    return f"new long[] {{ {', '.join(map(str, of.shape))} }}"


def _check(index: int, tensor: Tensor) -> str:
    return f"{' ' * 16}same &= Check({json_string(tensor.name)}, answer{index}, Expected{index}, {tensor.count});"
