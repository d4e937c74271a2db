"""Prepare each local worker process: what Dask loads there first."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:  # noqa: ARG001 - Dask's signature
    """Leave Ctrl-C, which a terminal sends to all processes of the command, to the one that ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
