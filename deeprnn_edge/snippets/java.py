"""Write the program in Java, on ONNX Runtime's package for the JVM."""

from __future__ import annotations

import math

from deeprnn_edge.snippets.affine import Affine, affine_of
from deeprnn_edge.snippets.example import Example, State, Tensor
from deeprnn_edge.snippets.literals import as_double, initial, json_string, lines, number
from deeprnn_edge.snippets.rendering import fill, fill_program

FILE = "Snippet.java"
MARK = "//"
COMMANDS = (
    "Needs Java 11 or newer, and com.microsoft.onnxruntime:onnxruntime:1.26.0 or newer from Maven Central:",
    "",
    "mvn dependency:copy -Dartifact=com.microsoft.onnxruntime:onnxruntime:1.26.0 -DoutputDirectory=.",
    "java -cp onnxruntime-1.26.0.jar {file} {model}",
)
# A bool is a byte to ONNX Runtime.
_TYPES = {"float32": "float", "float64": "double", "int32": "int", "int64": "long", "bool": "byte"}


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    streams = example.steps is not None
    indent = " " * (10 if streams else 8)
    cut = [(index, tensor) for index, tensor in enumerate(example.inputs) if tensor.is_cut]
    call = {
        "prepare": "".join(f"        repeat(INPUT_{i}, {one.numbers.size}, {one.count});\n" for i, one in cut),
        "feeds": "\n".join(indent + _feed(index, tensor) for index, tensor in enumerate(example.inputs)),
        "answers": "\n".join(
            f"        List<Double> answer{index} = new ArrayList<>();" for index in range(len(example.outputs))
        ),
        "collect": "\n".join(_collect(index, tensor, streams) for index, tensor in enumerate(example.outputs)),
        "states": "\n".join(f"        {_state(state)}" for state in example.states),
    }
    return fill_program(
        "java",
        about,
        example,
        call=call,
        imports="\n".join(f"import {name};" for name in sorted(_imports(example))),
        model=json_string(model),
        tables=_tables(example),
        helpers="".join(
            fill("java", name, {}) for name, used in (("repeat", cut), ("scale", _affines(example))) if used
        ),
        checks="\n".join(
            f"        same &= check({json_string(tensor.name)}, answer{index}, EXPECTED_{index}, {tensor.count});"
            for index, tensor in enumerate(example.outputs)
        ),
    )


def _imports(example: Example) -> set[str]:
    dtypes = {tensor.dtype for tensor in example.inputs} | {state.dtype for state in example.states}
    buffers = {f"java.nio.{_buffer(dtype)}" for dtype in dtypes}
    copies = {"java.util.Arrays"} if any(one.by_step or one.is_cut for one in example.inputs) else set()
    names = fill("java", "imports", {}) + (fill("java", "bool_imports", {}) if "bool" in dtypes else "")
    return buffers | copies | set(names.split())


def _tables(example: Example) -> str:
    tables = []
    if example.steps is not None:
        pairs = ", ".join(f"{{{json_string(one.name)}, {json_string(one.next_name)}}}" for one in example.states)
        tables.append(f"  private static final int STEPS = {example.steps};")
        tables.append(f"  private static final String[][] STATES = {{{pairs}}};")
    for index, tensor in enumerate(example.inputs):
        if (affine := affine_of(example, tensor)) is not None:
            tables.append(_affine(index, affine))
            continue
        kind = _TYPES[tensor.dtype]
        numbers = lines((_element(number(value, long_suffix="L")) for value in tensor.numbers), "      ")
        array = f"{{\n{numbers}\n  }}"
        if tensor.is_cut:
            array = f"Arrays.copyOf(new {kind}[] {array}, {tensor.count})"
        tables.append(f"  private static final {kind}[] INPUT_{index} = {array};")
    for index, tensor in enumerate(example.outputs):
        numbers = lines(map(as_double, tensor.numbers), "      ")
        tables.append(f"  private static final double[] EXPECTED_{index} = {{\n{numbers}\n  }};")
    return "\n".join(tables)


def _affines(example: Example) -> list[Affine]:
    return [found for tensor in example.inputs if (found := affine_of(example, tensor)) is not None]


def _affine(index: int, affine: Affine) -> str:
    numbers = lines(map(as_double, affine.values), "      ")
    scales = lines(map(as_double, affine.scales.ravel()), "      ")
    columns = lines(map(str, affine.columns), "      ")
    return (
        f"  private static final double[] RAW_{index} = {{\n{numbers}\n  }};\n"
        f"  private static final int[] COLUMNS_{index} = {{\n{columns}\n  }};\n"
        f"  private static final double[] SCALES_{index} = {{\n{scales}\n  }};\n"
        f"  private static final float[] INPUT_{index} = "
        f"scale(RAW_{index}, {affine.width}, COLUMNS_{index}, SCALES_{index});"
    )


def _feed(index: int, tensor: Tensor) -> str:
    array, size = f"INPUT_{index}", tensor.step_size
    if tensor.by_step:
        array = f"Arrays.copyOfRange({array}, step * {size}, (step + 1) * {size})"
    return f"inputs.put({json_string(tensor.name)}, {_create(tensor, array)});"


def _collect(index: int, tensor: Tensor, streams: bool) -> str:
    clear = f"          answer{index}.clear();\n" if streams and not tensor.by_step else ""
    return f"{clear}          append(answer{index}, outputs.get({json_string(tensor.name)}).get().getValue());"


def _state(state: State) -> str:
    array = f"new {_TYPES[state.dtype]}[{math.prod(state.shape)}]"
    if state.initial != 0:
        value = _element(initial(state.initial, state.dtype))
        array = f"new {_TYPES[state.dtype]}[] {{{', '.join([value] * math.prod(state.shape))}}}"
    return f"states.put({json_string(state.name)}, {_create(state, array)});"


def _create(of: Tensor | State, array: str) -> str:
    parts = {"buffer": _buffer(of.dtype), "array": array, "shape": ", ".join(map(str, of.shape))}
    return fill("java", "bool_tensor" if of.dtype == "bool" else "tensor", parts)


def _buffer(dtype: str) -> str:
    return f"{_TYPES[dtype].capitalize()}Buffer"


def _element(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text, text)
