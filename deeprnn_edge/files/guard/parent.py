"""Start a process that may die, watch it, and say in one line what it died of."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.tables import printable

MIB = 1 << 20
# Without a word for so long, a process is taken to hang. The slowest single step of an honest export, opening the
# largest network of the tests, takes 2 s on one slow core.
SECONDS = 60.0
SECONDS_VARIABLE, MEMORY_VARIABLE = "DEEPRNN_EDGE_LIMIT_SECONDS", "DEEPRNN_EDGE_LIMIT_MIB"
# The runtimes and what numpy takes; a file is held some times over while a session is made of it.
_MEMORY_BYTES, _TIMES_FILE = 4096 * MIB, 8
_LEAST_MEMORY_BYTES = 512 * MIB
_SHARE = 0.75  # of the machine's memory: beyond, the system would end processes, and not this one first
_LONGEST_LINE = 4096  # bytes
_TOLD_SECONDS = 0.3  # a process that the terminal has told ends within it
_GONE_SECONDS = 5.0  # a process that was interrupted has so long to end by itself


@dataclass(frozen=True)
class Ended:
    """Hold how a process ended.

    Attributes:
        code: of its exit; negative for a signal; None where it was ended for its silence.
        running: what it said last that it ran; empty for nothing.
        seconds: the silence that was allowed.
        memory_bytes: the memory that was allowed.
    """

    code: int | None
    running: str
    seconds: float
    memory_bytes: int


def limit_seconds() -> float:
    """Return how long a guarded process may be silent.

    Raises:
        InputError: for a variable that is no number above 0.
    """
    return _number(SECONDS_VARIABLE, SECONDS)


def limit_memory_bytes(file_bytes: int) -> int:
    """Return how much memory a process may take that opens files of so many bytes.

    Raises:
        InputError: for a variable that is no number above 0.
    """
    wanted = _MEMORY_BYTES + _TIMES_FILE * file_bytes
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        wanted = min(wanted, max(_LEAST_MEMORY_BYTES, int(there * _SHARE)))
    return int(_number(MEMORY_VARIABLE, wanted / MIB) * MIB)


def run_guarded(
    module: str,
    words: Sequence[str],
    *,
    memory_bytes: int,
    stdout: IO[bytes] | None = None,
    output_bytes: int | None = None,
    quiet: bool = False,
    ends_itself: bool = False,
) -> Ended:
    """Run ``python -m MODULE WORDS`` within limits, and wait for its end.

    Args:
        module: of this package or another, with a ``__main__`` part.
        words: its ``sys.argv[1:]``.
        memory_bytes: what it may take.
        stdout: an open file for what it prints; None for this process's own.
        output_bytes: the largest file that it may write; None for any.
        quiet: whether what it and the libraries in it say on stderr is dropped.
        ends_itself: whether its own end at an interrupt is the answer to it, so that this process goes on with that.

    Raises:
        InputError: for a limit in the environment that is no number.
    """
    allowed = limit_seconds()
    reader, writer = os.pipe()
    try:
        watched = sys.platform != "win32"  # where no descriptor can be handed on
        request = {"status": writer if watched else -1, "memory_bytes": memory_bytes, "output_bytes": output_bytes}
        # -P and this process's own path: the same modules as here, and none that lie in the working directory.
        command = [sys.executable, "-P", "-m", "deeprnn_edge.files.guard", json.dumps(request), module, *words]
        with subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=stdout,
            stderr=subprocess.DEVNULL if quiet else None,
            pass_fds=(writer,) if watched else (),
        ) as process:
            try:
                os.close(writer)
                writer = -1
                code, running = _watch(process, reader if watched else None, allowed)
            except KeyboardInterrupt as interrupt:
                code, running = _interrupt(process, getattr(interrupt, "number", signal.SIGINT)), ""
                if code is None or not ends_itself:
                    raise
            finally:
                process.kill()
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    return Ended(code, running, allowed, memory_bytes)


def died(ended: Ended, where: str) -> BundleError | None:
    """Return the error of a process that ended otherwise than by an exit of its own; None of one that did.

    Args:
        ended: how it ended.
        where: the bundle or file, for messages.
    """
    what = printable(f"{where}: {ended.running}" if ended.running else where)
    if ended.code is None:
        return BundleError(
            f"{what} did not answer within {ended.seconds:g} s, and the process that ran it was ended; get it from "
            f"another source, or, for a slow device, set {SECONDS_VARIABLE}={ended.seconds * 10:.0f}"
        )
    if ended.code < 0:
        return BundleError(
            f"{what} ended the process that ran it ({_signal_name(-ended.code)}); get it from another source, or, "
            f"where it needs more memory than it was allowed, set {MEMORY_VARIABLE}={ended.memory_bytes * 2 // MIB}"
        )
    return None


def _interrupt(process: subprocess.Popen[bytes], number: int) -> int | None:
    """Let a process end by itself, and return its exit code; None for one that does not."""
    # The terminal has told it too; a signal to this process alone is passed on.
    for seconds in (_TOLD_SECONDS, _GONE_SECONDS):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            if seconds == _TOLD_SECONDS and sys.platform != "win32":
                process.send_signal(number)
    return None


def _watch(process: subprocess.Popen[bytes], reader: int | None, allowed: float) -> tuple[int | None, str]:
    """Wait until it ends, or is silent for longer than it may be."""
    running = ""
    if reader is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(allowed * 60), running  # the whole, as its steps are not known
        return None, running
    deadline, pending = time.monotonic() + allowed, b""
    selector = selectors.DefaultSelector()  # select itself takes no descriptor above 1023
    selector.register(reader, selectors.EVENT_READ)
    while (left := deadline - time.monotonic()) > 0:
        if not selector.select(left):
            continue
        said = os.read(reader, 65536)
        if not said:  # it has ended, or is about to
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(max(left, _GONE_SECONDS)), running
            break
        *lines, pending = (pending + said).split(b"\n")
        pending = pending[:_LONGEST_LINE]
        for line in lines:
            seconds, _, name = line.decode("utf-8", "replace").partition(" ")
            running = name
            more = float(seconds) if seconds.isdecimal() and len(seconds) < 10 else 0.0
            deadline = time.monotonic() + allowed + more
    return None, running


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise InputError(f"the environment has {variable}={text[:80]!r}, expected a number above 0")
    return value


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
