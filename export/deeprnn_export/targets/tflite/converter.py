"""Run the converter in a process of its own, which an export starts once: each start imports TensorFlow for seconds.

It leaks (tensorflow#122598), and it may crash: one that ended is started anew for the next file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

PROGRAM: Sequence[str] = (sys.executable, "-m", "deeprnn_export.targets.tflite.converter_process")


class Worker:
    """Hold the converter's process, which takes one conversion a line."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = self._start()

    def ask(self, words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Convert once.

        Args:
            words: as ``converter_process`` takes them.

        Returns:
            The exit code that a process for this alone would have, and what was said on stderr meanwhile.
        """
        if self._process.poll() is not None:
            self._end()
            self._process = self._start()
        process, begin = self._process, os.fstat(self._said.fileno()).st_size
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        code = int(answer) if answer else process.wait()
        # Not by the file's position, which it shares with the process that writes there.
        said = os.pread(self._said.fileno(), os.fstat(self._said.fileno()).st_size - begin, begin)
        return subprocess.CompletedProcess([*map(str, words)], code, "", said.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the process."""
        self._end()
        self._said.close()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, encoding="utf-8"
        )


_running: ContextVar[Worker | None] = ContextVar("_running", default=None)


@contextmanager
def converting() -> Iterator[Worker]:
    """Keep one process for all conversions inside the context; it starts beside what is done before the first."""
    worker = Worker()
    token = _running.set(worker)
    try:
        yield worker
    finally:
        _running.reset(token)
        worker.close()


def run_apart(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Convert in the process that is kept, or in one for this alone; arguments and answer as of ``Worker.ask``."""
    if (worker := _running.get()) is not None:
        return worker.ask(words)
    with converting() as alone:
        return alone.ask(words)
