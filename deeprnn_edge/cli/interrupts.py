"""End a command that is told to stop: one line that says what is kept, and the exit code of the signal.

Whoever knows what is kept adds it to the interrupt on its way up, with ``add_note``; the innermost is said.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import click

from deeprnn_edge.cli.terminal import PipeClosedError

_BY_DEFAULT = "no file was left half-written"
# Beside SIGINT, on which Python raises by itself: told to end, and the terminal is gone.
_OTHERS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Told(KeyboardInterrupt):
    """Stand for a signal other than Ctrl-C's that tells a process to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def signals_raise() -> Iterator[None]:
    """Have signals that would end the process at once raise as Ctrl-C does, so that it leaves nothing behind."""
    earlier = {}
    if threading.current_thread() is threading.main_thread():
        # One that is ignored, as by nohup, stays so.
        earlier = {number: signal.getsignal(number) for number in _OTHERS}
        earlier = {number: handler for number, handler in earlier.items() if handler is signal.SIG_DFL}
    for number in earlier:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def end(interrupt: BaseException) -> NoReturn:
    """Say what is kept, and end with 128 and the signal's number, as shells count: 130 for Ctrl-C."""
    number = interrupt.number if isinstance(interrupt, Told) else signal.SIGINT
    notes = getattr(interrupt, "__notes__", [])
    with suppress(PipeClosedError):
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(err=True)  # behind the ^C that a terminal shows
        click.echo(f"interrupted: {notes[0] if notes else _BY_DEFAULT}", err=True)
    sys.exit(128 + number)


def _raise(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    raise Told(number)
