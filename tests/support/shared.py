"""Make what is slow to make once for all workers of a run."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")
_MOST_SECONDS = 900.0


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> tuple[Path, Made]:
    """Return a folder and what ``make`` gave for it; one worker calls it, and the others wait for its result.

    Where it fails, skips, or does not come to its end, each worker makes its own.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, result, failed = (shared / f"{name}{ending}" for ending in ("", ".result", ".failed"))
    try:
        folder.mkdir()
    except FileExistsError:
        waiting_since = time.monotonic()
        while not result.exists() and not failed.exists() and time.monotonic() - waiting_since < _MOST_SECONDS:
            time.sleep(0.05)
        if result.exists():
            return folder, pickle.loads(result.read_bytes())
        own = factory.mktemp(name)
        return own, make(own)
    try:
        made = make(folder)
    except BaseException:
        failed.touch()
        raise
    unfinished = result.with_suffix(".unfinished")
    unfinished.write_bytes(pickle.dumps(made))
    unfinished.replace(result)
    return folder, made
