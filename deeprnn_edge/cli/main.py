"""Run ``deeprnn-edge``: one command line over both halves.

The device's commands are named here. Others join through the entry point group ``deeprnn_edge.commands``,
so that the device does not know who offers them. A command's module is imported when it is used.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any, NoReturn

import click

from deeprnn_edge.cli import interrupts, terminal
from deeprnn_edge.cli.option_words import spell_options
from deeprnn_edge.errors import DeepRNNEdgeError, InputError, ParityError
from deeprnn_edge.files.guard.child import is_guarded

EXIT_CHECK_FAILED = 1
EXIT_UNUSABLE = 2
EXIT_READER_GONE = 128 + getattr(signal, "SIGPIPE", 13)  # as a program that the signal ends

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
    """Find commands by name, imported on demand; say errors in one line and an exit code.

    What a command prints goes through ``terminal``, and what tells it to stop through ``interrupts``.
    """

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

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Run the command line and end the process; return the exit code where it is part of another program."""
        standalone = options.pop("standalone_mode", True)
        with terminal.guarded(), interrupts.signals_raise():
            try:
                code = self._run(args, **options)
                sys.stdout.flush()
            except terminal.PipeClosedError:
                code = EXIT_READER_GONE
            except (KeyboardInterrupt, click.Abort) as interrupt:
                interrupts.end(interrupt)
            finally:
                terminal.discard_output()
        if standalone:
            sys.exit(code)
        return code

    def _run(self, args: Sequence[str] | None = None, **options: Any) -> int:
        """Run the words given, or those of the process: a command on a stranger's file then in a process of its own."""
        words = sys.argv[1:] if args is None else []
        command = next((word for word in words if not word.startswith("-")), None)
        if command in _GUARDED and not is_guarded() and not {"-h", "--help"} & {*words}:
            # Imported here, so that other commands start without it.
            from deeprnn_edge.cli.guarded import run_guarded_command

            return run_guarded_command(words)
        try:
            returned = super().main(args, **options, standalone_mode=False)
        except click.ClickException as error:  # the group's own options; a command's come through ``invoke``
            click.echo(f"error: {error.format_message()} See: deeprnn-edge --help", err=True)
            return EXIT_UNUSABLE
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else EXIT_CHECK_FAILED
        return returned if isinstance(returned, int) else 0

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what a user can cause ends in one line on stderr, not in a traceback."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            interrupts.end(interrupt)
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


# color: click leaves escapes in, and ``terminal`` shows them.
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "color": True}


@click.group(cls=Group, context_settings=_SETTINGS)
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
    cannot be used; 130: stopped by Ctrl-C, with a line that says what is kept.
    """


def _joined() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group="deeprnn_edge.commands")}


def _fail(error: DeepRNNEdgeError, code: int) -> NoReturn:
    context = click.get_current_context()
    command = main.get_command(context, context.invoked_subcommand or "") or main
    click.echo(f"error: {' '.join(spell_options(str(error), command).split())}", err=True)
    sys.exit(code)
