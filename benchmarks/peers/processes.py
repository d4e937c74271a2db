"""Keep the process of an entry: started, let run while it is asked, stopped while others are, and ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from typing import Any

# From here it is given up: a network that takes two minutes to load and answer 64 times is none for a device.
MOST_SECONDS = 120.0


class EntryError(Exception):
    """Say in one line why an entry's process cannot, or ended, or stalled."""


class EntryProcess:
    """Run an entry that computes only while it is asked.

    Between two questions the system stops its process: threads that spin while they wait, as those of thread pools
    do, would take a core from the entry that is timed.
    """

    def __init__(self, request: dict[str, Any], *, threads: int) -> None:
        # Some libraries take their threads from here alone.
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.worker", json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            bufsize=1,
            env=environment,
        )

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def start(self) -> dict[str, Any]:
        """Return what it says of its start, see ``worker``. Raises EntryError where it cannot."""
        said = self._read()
        if "problem" in said:
            raise EntryError(said["problem"])
        return said

    def time_block(self, calls: int) -> tuple[list[float], float]:
        """Time so many calls: seconds of each, and CPU seconds of all. Raises EntryError where it ended."""
        self._process.send_signal(signal.SIGCONT)
        try:
            print(json.dumps({"calls": calls}), file=self._process.stdin, flush=True)
        except OSError as error:
            raise EntryError(self._last_words()) from error
        said = self._read()
        return said["taken_seconds"], said["cpu_seconds"]

    def _read(self) -> dict[str, Any]:
        """Read its next line; it is stopped after it."""
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], MOST_SECONDS)
        if not readable:
            raise EntryError(f"gave no answer within {MOST_SECONDS:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise EntryError(self._last_words())
        self._process.send_signal(signal.SIGSTOP)
        said: dict[str, Any] = json.loads(line)
        return said

    def _last_words(self) -> str:
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines() or ["no message"]
        return f"its process ended with {code}: {lines[-1]}"[:300]
