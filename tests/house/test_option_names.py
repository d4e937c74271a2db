"""Messages name options as Python's users give them, and the command line knows each of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import deeprnn_edge
import deeprnn_export
from deeprnn_edge.cli.main import main
from deeprnn_edge.cli.option_words import spell_options

HOMES = {"edge": Path(deeprnn_edge.__file__).parent, "export": Path(deeprnn_export.__file__).parent}
# The rooms of the command line, the page that shows command lines to run, and the budgets that would do, which have
# their units only there: --max-size 400KB.
SPEAKS_COMMANDS = re.compile(r"cli/|commands/|report/(\w+_section|style)|choice/budgets|__main__|.*templates/")
# Full command lines are advice that both readers can follow.
COMMAND_LINE = re.compile(r"((deeprnn-edge|pip|npm|dask|dotnet|cmake) |unpkg).*", re.DOTALL)
# Beside them what is no option of ours: Keras's own, in advice on a model.
NOT_OURS = {
    "data_format",
    "go_backwards",
    "mask_token",
    "num_oov_indices",
    "output_mode",
    "split",
    "strides",
    "time_major",
    "training",
}
# Only Python's users give these.
PYTHON_ONLY = {"allow_native_code", "artifact", "carry_state", "rows", "states"}


def texts(home: Path) -> Iterator[tuple[str, str]]:
    """File and text of each literal that is no docstring, of all modules but the command line's."""
    for path in sorted(home.rglob("*.py")):
        name = str(path.relative_to(home))
        if SPEAKS_COMMANDS.match(name):
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


@pytest.mark.parametrize("half", HOMES)
def test_no_message_of_the_library_speaks_of_the_command_line(half: str) -> None:
    # A literal that is one word is handed to another program, as npm.
    assert [
        found for found in texts(HOMES[half]) if " " in found[1] and re.search(r"(?<![\w-])--[a-z]", found[1])
    ] == []


def named(half: str) -> list[str]:
    """Names in the form of a keyword argument, in messages of one half."""
    pattern = r"(?<![\w.&?-])([a-z_]+)=(?=$|[ ,:;)('{]|True)"
    return sorted({name for _, text in texts(HOMES[half]) for name in re.findall(pattern, text)} - NOT_OURS)


COMMANDS = {name: main.get_command(click.Context(main), name) for name in main.list_commands(click.Context(main))}


@pytest.mark.parametrize(("half", "name"), [(half, name) for half in HOMES for name in named(half)])
def test_the_command_line_has_words_for_every_option_that_a_message_names(half: str, name: str) -> None:
    if half == "edge" and name in PYTHON_ONLY:
        return
    for command in COMMANDS.values():
        if command is not None and (option := next((one for one in command.params if one.name == name), None)):
            assert spell_options(f"give {name}=, or not", command).startswith(f"give {max(option.opts, key=len)}")
            return
    pytest.fail("no command has it; what is Keras's own belongs to NOT_OURS")


def test_messages_name_options_at_all() -> None:
    assert {"max_length", "stream", "chunk", "evaluate", "formats", "precisions", "calibration"} <= {*named("export")}
    assert {"fail_above", "benches", "inputs", "runtime"} <= {*named("edge")}
