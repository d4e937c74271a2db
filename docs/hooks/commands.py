"""Write the reference of the command line from the commands themselves while the site is built."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import click

from deeprnn_edge.cli.main import main

_MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the commands in the place of their mark."""
    return markdown.replace(_MARK, describe_commands()) if _MARK in markdown else markdown


def describe_commands() -> str:
    """Return a section for each command, in the order of the alphabet."""
    context = click.Context(main, info_name="deeprnn-edge")
    sections = []
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        sections.append(_describe(command, click.Context(command, info_name=name, parent=context)))
    return "\n\n".join(sections)


def _describe(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    rows = [row for row in rows if row[1]]  # arguments stand in the usage
    table = "\n".join(f"| {_name(name)} | {_escape(text)} |" for name, text in rows)
    return (
        f"## {context.info_name}\n\n```text\n{usage}\n```\n\n{_text(command.help or '')}\n\n"
        f"| option | |\n| --- | --- |\n{table}"
    )


def _text(help_text: str) -> str:
    """Return help as Markdown: what click may not wrap, behind its mark, is code."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(help_text))
    return "\n\n".join(_code(part[2:]) if part.startswith("\b\n") else _escape(part) for part in paragraphs)


def _code(text: str) -> str:
    return f"```text\n{textwrap.dedent(text)}\n```"


def _name(names: str) -> str:
    return f"`{names}`".replace("|", "\\|")


def _escape(text: str) -> str:
    return re.sub(r"([<>*_\[\]|])", r"\\\1", text)
