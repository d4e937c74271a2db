"""The workshop's messages name options as Python's users give them, and the command line knows each of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import deeprnn_export
from deeprnn_edge.cli.option_words import spell_options
from deeprnn_export.commands.export import export
from deeprnn_export.commands.train import train

HOME = Path(deeprnn_export.__file__).parent
# Full command lines are advice that both readers can follow.
COMMAND_LINE = re.compile(r"(deeprnn-edge|pip) .*")
# Beside them what is no option of ours: Keras's own, in advice on a model.
NOT_OURS = {"data_format", "go_backwards", "split", "strides", "time_major", "training"}


def texts() -> Iterator[tuple[str, str]]:
    """File and text of each literal that is no docstring, of all modules but the commands."""
    for path in sorted(HOME.rglob("*.py")):
        name = str(path.relative_to(HOME))
        if name.startswith("commands"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
                yield name, COMMAND_LINE.sub("", node.value)


def test_no_message_of_the_library_speaks_of_the_command_line() -> None:
    assert [found for found in texts() if re.search(r"(?<!\w)--[a-z]", found[1])] == []


NAMED = sorted(
    {name for _, text in texts() for name in re.findall(r"(?<![\w.])([a-z_]+)=(?=$|[ ,:;)('{]|True)", text)} - NOT_OURS
)


@pytest.mark.parametrize("name", NAMED)
def test_the_command_line_has_words_for_every_option_that_a_message_names(name: str) -> None:
    command = next((one for one in (export, train) if name in {param.name for param in one.params}), None)
    assert command is not None, "no command has it; what is Keras's own belongs to NOT_OURS"
    (option,) = (param for param in command.params if param.name == name)
    assert spell_options(f"give {name}=, or not", command).startswith(f"give {option.opts[0]}")


def test_messages_name_options_at_all() -> None:
    assert {"max_length", "stream", "chunk", "evaluate", "formats", "precisions", "calibration", "tensors"} <= {*NAMED}
