"""Run ``deeprnn-edge``: one command line over both halves.

The device's commands are named here. Others join through the entry point group ``deeprnn_edge.commands``,
so that the device does not know who offers them. A command's module is imported when it is used.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any, NoReturn

import click

from deeprnn_edge.cli.option_words import spell_options
from deeprnn_edge.errors import DeepRNNEdgeError, InputError, ParityError
from deeprnn_edge.files.guard.child import is_guarded

EXIT_CHECK_FAILED = 1
EXIT_UNUSABLE = 2

_COMMANDS = {
    "predict": "deeprnn_edge.cli.commands.predict:predict",
    "stream": "deeprnn_edge.cli.commands.stream:stream",
    "verify": "deeprnn_edge.cli.commands.verify:verify",
    "inspect": "deeprnn_edge.cli.commands.inspect:inspect",
    "bench": "deeprnn_edge.cli.commands.bench:bench",
    "report": "deeprnn_edge.cli.commands.report:report",
    "choose": "deeprnn_edge.cli.commands.choose:choose",
    "pack": "deeprnn_edge.cli.commands.pack:pack",
    "score": "deeprnn_edge.cli.commands.score:score",
    "web": "deeprnn_edge.cli.commands.web:web",
    "snippet": "deeprnn_edge.cli.commands.snippet:snippet",
}


# What runs or reads a file that its user may have from a stranger: in a process that may die.
_GUARDED = frozenset({"verify", "inspect", "bench", "choose", "report"})


class Group(click.Group):
    """Find commands by name, imported on demand; say errors in one line and an exit code."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the words given, or those of the process: a command on a stranger's file then in a process of its own."""
        words = sys.argv[1:] if args is None else []
        command = next((word for word in words if not word.startswith("-")), None)
        if command in _GUARDED and not is_guarded() and not {"-h", "--help"} & {*words}:
            # Imported here, so that other commands start without it.
            from deeprnn_edge.cli.guarded import run_guarded_command

            sys.exit(run_guarded_command(words))
        return super().main(args, *rest, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List every command's name, of this package and of those that joined."""
        return sorted({*_COMMANDS, *_joined()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        target = _COMMANDS.get(cmd_name) or _joined().get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what a user can cause ends in one line on stderr, not in a traceback."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            help_of = error.ctx.command_path if error.ctx else "deeprnn-edge"
            _fail(InputError(f"{error.format_message()} See: {help_of} --help"), EXIT_UNUSABLE)
        except ParityError as error:
            if error.table:
                click.echo(error.table)
            _fail(error, EXIT_CHECK_FAILED)
        except InputError as error:
            _fail(error, EXIT_UNUSABLE)
        except DeepRNNEdgeError as error:
            _fail(error, EXIT_CHECK_FAILED)
        except MemoryError:
            _fail(InputError("what was asked needs more memory than this process may take"), EXIT_UNUSABLE)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="deeprnn-edge")
def main() -> None:
    """Run deep recurrent networks (stacked SimpleRNN, LSTM, GRU) from Keras on small CPU devices.

    The way of a model: train (or bring your own .keras), export to a bundle that is checked against
    Keras, then verify, inspect, bench and predict on any device; choose a file for it, and pack that.

    \b
        deeprnn-edge train --cell gru --data reviews -o gru.keras
        deeprnn-edge export gru.keras -o bundle
        deeprnn-edge predict bundle "a gorgeous, moving film"

    Results go to stdout, progress to stderr. Exit code 0: done; 1: a check failed; 2: what was given
    cannot be used.
    """


def _joined() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group="deeprnn_edge.commands")}


def _fail(error: DeepRNNEdgeError, code: int) -> NoReturn:
    context = click.get_current_context()
    command = main.get_command(context, context.invoked_subcommand or "") or main
    click.echo(f"error: {' '.join(spell_options(str(error), command).split())}", err=True)
    sys.exit(code)
