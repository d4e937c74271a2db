"""Limit the process in which a file is tried, and tell the parent what it is at.

A system without the limits of Unix (Windows) has that of time alone, which the parent holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # Linux, prctl.h
_LONGEST_NAME = 200  # characters of a line to the parent

_status: int | None = None
_guarded = False


def is_guarded() -> bool:
    """Return whether this process is one that may die."""
    return _guarded


def report(name: str, *, seconds: float = 0.0) -> None:
    """Tell the parent what runs next; nothing where there is none that listens.

    Args:
        name: of the file, for the message on what the process died of.
        seconds: how long it may take beyond what every step may.
    """
    if _status is not None:
        line = " ".join(name.split())[:_LONGEST_NAME]
        with contextlib.suppress(OSError):  # the parent is gone, and this process will be
            os.write(_status, f"{seconds:.0f} {line}\n".encode("utf-8", "replace"))


def enter(status: int, memory_bytes: int, output_bytes: int | None) -> None:
    """Limit this process for good.

    Args:
        status: the descriptor to write to; -1 for none.
        memory_bytes: of its own data, on Linux: macOS takes the limit and does not hold it.
        output_bytes: of any file that it writes; None for any size.
    """
    global _status, _guarded
    _guarded = True
    _status = status if status >= 0 else None
    if sys.platform == "win32":
        return
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, memory_bytes)]
    if output_bytes is not None:
        limits.append((resource.RLIMIT_FSIZE, output_bytes))
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that has no such limit
            resource.setrlimit(kind, (lowest, lowest))
    if sys.platform == "linux":
        # The parent may be killed at any moment, and what hangs here would hang for ever.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
