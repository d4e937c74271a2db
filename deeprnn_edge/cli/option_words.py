"""Spell the options that a message names as the words of the command that was run."""

from __future__ import annotations

import ast
import re

import click

# A literal of Python, as the library's messages have it behind an option's name: a collection, a text, a number.
_VALUE = r"\([^()]*\)|\{[^{}]*\}|'[^']*'|True|False|-?(?:\d[\w.+-]*\w|\d|inf|nan)\b"


def spell_options(message: str, command: click.Command) -> str:
    """Put the command's words in place of keyword options: ``--max-length 0`` for ``max_length=0``.

    Names that the command has no option for stay as they are.
    """
    options = {str(one.name): one for one in command.params if isinstance(one, click.Option)}
    return re.sub(
        rf"(?<![\w.'\"/-])(\w+)=({_VALUE})?",
        lambda found: _spell(options[found[1]], found[2]) if found[1] in options else found[0],
        message,
    )


def _spell(option: click.Option, value: str | None) -> str:
    word = max(option.opts, key=len)
    if value is None:
        return f"{word} {option.metavar}" if option.metavar else word
    if value in ("True", "False"):
        return word if value == "True" else [*option.secondary_opts, f"{word}=False"][0]
    given = ast.literal_eval(value) if value[0] in "({'" else value
    if isinstance(given, dict):
        given = tuple(f"'{key}={chosen}'" for key, chosen in given.items())
    return " ".join(f"{word} {one}" for one in (given if isinstance(given, tuple) else (given,)))
