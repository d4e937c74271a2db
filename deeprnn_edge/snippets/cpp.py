"""Write the program in C++17, on ONNX Runtime's C++ headers and library."""

from __future__ import annotations

import math

from deeprnn_edge.runtimes import PORTABLE
from deeprnn_edge.snippets.affine import Affine, affine_of
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, cpp_string, initial, lines, number
from deeprnn_edge.snippets.rendering import fill, fill_program

FILE = "snippet.cpp"
MARK = "//"
COMMANDS = (
    f"Unpack the archive of {PORTABLE.library} 1.26 or newer for your system, "
    "such as onnxruntime-linux-x64-1.26.0.tgz,",
    "from its releases on GitHub, and say where:",
    "",
    "ORT=onnxruntime-linux-x64-1.26.0",
    "g++ -std=c++17 -O2 {file} -I $ORT/include -L $ORT/lib -lonnxruntime -Wl,-rpath,$ORT/lib -o snippet",
    "./snippet {model}",
)
_TYPES = {"float32": "float", "float64": "double", "int32": "int32_t", "int64": "int64_t", "bool": "bool"}


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    streams = example.steps is not None
    indent = "    " if streams else "  "
    cut = [(index, tensor) for index, tensor in enumerate(example.inputs) if tensor.is_cut]
    affine = {i: found for i, one in enumerate(example.inputs) if (found := affine_of(example, one)) is not None}
    call = {
        "prepare": "".join(f"  repeat(input_{i}, {one.numbers.size}, {one.count});\n" for i, one in cut)
        + "".join(f"  scale(raw_{i}, {one.width}, columns_{i}, scales_{i}, input_{i});\n" for i, one in affine.items()),
        "feeds": "\n".join(indent + _feed(index, tensor) for index, tensor in enumerate(example.inputs)),
        "answers": "\n".join(f"  std::vector<double> answer_{index};" for index in range(len(example.outputs))),
        "collect": "\n".join(indent + _collect(index, tensor, streams) for index, tensor in enumerate(example.outputs)),
        "states": "\n".join(_state(index, state) for index, state in enumerate(example.states)),
        "first_state": str(len(example.outputs)),
    }
    return fill_program(
        "cpp",
        about,
        example,
        call=call,
        model=cpp_string(model),
        tables=_tables(example),
        helpers="".join(fill("cpp", name, {}) for name, used in (("repeat", cut), ("scale", affine)) if used),
        checks="\n".join(
            f"  same = check({cpp_string(tensor.name)}, answer_{index}, expected_{index}, {tensor.count}) && same;"
            for index, tensor in enumerate(example.outputs)
        ),
    )


def _tables(example: Example) -> str:
    tables = [
        f"const char* const {name}[] = {{{', '.join(map(cpp_string, names))}}};"
        for name, names in (("kInputs", example.fed), ("kOutputs", example.answered))
    ]
    if example.steps is not None:
        tables.append(f"constexpr size_t kSteps = {example.steps};")
    for index, tensor in enumerate(example.inputs):
        if (affine := affine_of(example, tensor)) is not None:
            tables += [*_affine(index, affine), f"float input_{index}[{tensor.count}];"]
            continue
        numbers = lines(map(number, tensor.numbers), "    ")
        tables.append(f"{_TYPES[tensor.dtype]} input_{index}[{tensor.count}] = {{\n{numbers}\n}};")
    for index, tensor in enumerate(example.outputs):
        numbers = lines(map(as_double, tensor.numbers), "    ")
        tables.append(f"const std::vector<double> expected_{index} = {{\n{numbers}\n}};")
    return "\n".join(tables)


def _affine(index: int, affine: Affine) -> list[str]:
    parts = (("double", "raw", map(as_double, affine.values)), ("size_t", "columns", map(str, affine.columns)))
    scales = ("double", "scales", map(as_double, affine.scales.ravel()))
    return [
        f"const std::vector<{kind}> {name}_{index} = {{\n{lines(numbers, '    ')}\n}};"
        for kind, name, numbers in (*parts, scales)
    ]


def _feed(index: int, tensor: Tensor) -> str:
    start = f"input_{index} + step * {tensor.step_size}" if tensor.by_step else f"input_{index}"
    return f"inputs.push_back(tensor({start}, {_shape(tensor.shape)}));"


def _collect(index: int, tensor: Tensor, streams: bool) -> str:
    append = f"append<{_TYPES[tensor.dtype]}>(answer_{index}, outputs[{index}]);"
    return append if tensor.by_step or not streams else f"answer_{index}.clear();\n    {append}"


def _state(index: int, state: State) -> str:
    return "\n".join(
        [
            f"  std::array<{_TYPES[state.dtype]}, {math.prod(state.shape)}> state_{index};",
            f"  state_{index}.fill({initial(state.initial, state.dtype)});",
            f"  states.push_back(tensor(state_{index}.data(), {_shape(state.shape)}));",
        ]
    )


def _shape(shape: tuple[int, ...]) -> str:
    return f"{{{', '.join(map(str, shape))}}}"
