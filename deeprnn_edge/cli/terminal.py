"""Stand between a command and its reader: a terminal, which no character may steer, or a pipe, which may close."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

from deeprnn_edge.tables import escape, visible

_CLEAR_LINE = "\r\x1b[K"


class PipeClosedError(BaseException):
    """Say that the reader is gone. No Exception, as nothing but the end of the command has to do with it."""


class GuardedStream:
    """Pass text on to a stream once what would steer a terminal is shown as an escape.

    It has no ``buffer``, so that nothing is written past it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:
        """Return UTF-8 for ASCII: click would write past a stream of the latter."""
        return "utf-8" if self._stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968") else self._encoding

    @property
    def _encoding(self) -> str:
        return self._stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write text; what the stream's encoding does not have becomes an escape too."""
        shown = visible(text)
        try:
            shown.encode(self._encoding)
        except UnicodeEncodeError:
            shown = "".join(char if _has(self._encoding, char) else escape(char) for char in shown)
        self.write_raw(shown)
        return len(text)

    def write_raw(self, text: str) -> None:
        """Write text of our own, which may steer the terminal."""
        with _noticing_the_end():
            self._stream.write(text)

    def flush(self) -> None:
        """Hand on what was written."""
        with _noticing_the_end():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Return what else a stream has."""
        if name in ("buffer", "_stream"):
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Guard stdout and stderr."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and GuardedStream(stream) for stream in streams)  # None without a console
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def say(line: str) -> None:
    """Show one line of progress on stderr, whatever names are in it."""
    click.echo(line.replace("\n", escape("\n")), err=True)


def clear_line() -> None:
    """Begin the line on stderr anew, which has to be a terminal."""
    write = sys.stderr.write_raw if isinstance(sys.stderr, GuardedStream) else sys.stderr.write
    write(_CLEAR_LINE)


def discard_output() -> None:
    """Let what Python would still flush at its end go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except PipeClosedError:
            with suppress(OSError):  # a stream without a descriptor has nothing that Python would flush
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _noticing_the_end() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosedError from error


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
