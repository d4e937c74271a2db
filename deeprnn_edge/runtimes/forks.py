"""Keep a process that was forked from waiting for threads that it does not have.

A fork copies memory and the thread that forks, and no other. What another thread held stays held in the child for
ever: a lock of ours, or one inside of a runtime. So each call is on a list while it runs; whatever is on it in a child
belongs to a session that the child refuses, as it does one with threads of its own. Locks that guard our own fields
alone are made anew there.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from weakref import ref

from deeprnn_edge.errors import InputError

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class Locked(Protocol):
    """Have a lock of its own fields, which nothing of a runtime depends on."""

    _lock: threading.Lock


_running: list[Any] = []  # the session of each call that has begun and not ended
_lost: list[Any] = []  # sessions that this process cannot use
# Not in WeakSets, whose callbacks are code of Python: an interrupt that comes in one is ignored.
_with_threads: list[ref[Any]] = []
_locked: list[ref[Any]] = []


def call(session: Any, function: Callable[[Given], Answer], given: Given) -> Answer:
    """Call what runs in a session, such as its own ``run``.

    Raises:
        InputError: in a process that was forked while the session was in use, or has threads.
    """
    running = _running
    # Python runs signal handlers, which may raise, after a call has returned: with append inside of the try, and remove
    # as the first call behind it, there is no moment at which an interrupt could leave the list wrong.
    try:
        running.append(session)
        if _lost and session in _lost:
            raise InputError(
                "this process was forked from one that had loaded the model with threads > 1, or was in the middle of "
                "a call of it: load the model again here, or load it after the fork"
            )
        return function(given)
    finally:
        running.remove(session)


def watch_threads(session: Any) -> None:
    """Have a session refused in children: it computes in threads of its own, which they do not have."""
    _remember(_with_threads, session)


def renew_lock(owner: Locked) -> None:
    """Have the ``_lock`` of an object made anew in children, where a thread that held it is not there."""
    _remember(_locked, owner)


def _remember(references: list[ref[Any]], one: Any) -> None:
    for gone in [reference for reference in references if reference() is None]:
        with suppress(ValueError):  # another thread was quicker
            references.remove(gone)
    references.append(ref(one))


def _living(references: list[ref[Any]]) -> list[Any]:
    return [one for reference in references if (one := reference()) is not None]


def _forget_other_threads() -> None:
    """Run in a child, once it is forked."""
    global _running
    for session in {*_running, *_living(_with_threads)}:
        _lost.append(session)
        # Never destroyed, not at the process's end either: ONNX Runtime would wait for its threads there.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    _running = []  # a call that the child itself is in ends with the list that it began with
    for owner in _living(_locked):
        owner._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
