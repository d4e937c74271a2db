"""Write the program in Python, on onnxruntime and numpy alone."""

from __future__ import annotations

from deeprnn_edge.snippets.example import Example, Tensor
from deeprnn_edge.snippets.literals import lines, number
from deeprnn_edge.snippets.prepare import can_prepare, prepare
from deeprnn_edge.snippets.rendering import fill_program

FILE = "snippet.py"
MARK = "#"
COMMANDS = ('pip install "onnxruntime>=1.26" numpy', "python {file} {model}")
_INDENT = " " * 8


def render(about: str, model: str, example: Example) -> str:
    """Write the whole program."""
    return fill_program(
        "python",
        about,
        example,
        model=repr(model),
        tables=_tables(example),
    )


def _tables(example: Example) -> str:
    raw = {one.how.input: one for one in example.raw if can_prepare(one)}
    given = [tensor for tensor in example.inputs if tensor.name not in raw]
    tables = [
        "INPUTS = {",
        *(f"    {tensor.name!r}: {_array(tensor)}.reshape({_full_shape(tensor)})," for tensor in given),
        "}",
        *(prepare(list(raw.values()), {tensor.name: tensor.dtype for tensor in example.inputs}) if raw else ()),
        "# The first numbers, and how many there are." if _cut(example) else "",
        "EXPECTED = {",
        *(f"    {tensor.name!r}: ({_array(tensor, fill_up=False)}, {tensor.count})," for tensor in example.outputs),
        "}",
    ]
    if example.steps is not None:
        by_step = [tensor.name for tensor in (*example.inputs, *example.outputs) if tensor.by_step]
        tables += [
            f"STEPS = {example.steps}",
            "# What has a part for each step.",
            f"BY_STEP = {by_step!r}",
            "# Before the first step, and the output that each state goes on in.",
            "STATES = {",
            *(
                f"    {state.name!r}: (np.full({state.shape!r}, {state.initial!r}, {state.dtype!r}), "
                f"{state.next_name!r}),"
                for state in example.states
            ),
            "}",
        ]
    return "\n".join(filter(None, tables)) + "\n"


def _cut(example: Example) -> bool:
    return any(tensor.is_cut for tensor in example.outputs)


def _array(tensor: Tensor, *, fill_up: bool = True) -> str:
    numbers = lines((_number(value) for value in tensor.numbers), _INDENT)
    array = f"np.array([\n{numbers}\n    ], {tensor.dtype!r})"
    return f"np.resize({array}, {tensor.count})" if fill_up and tensor.is_cut else array


def _number(value: object) -> str:
    text = number(value, float_suffix="")
    return {"true": "True", "false": "False"}.get(text, text)


def _full_shape(tensor: Tensor) -> tuple[int, ...]:
    return (tensor.count // tensor.step_size, *tensor.shape) if tensor.by_step else tensor.shape
