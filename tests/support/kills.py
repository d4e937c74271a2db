"""Commands that are killed while they replace a result: is the old one there, or the new one, and never half of one?

A result is what is under the output's name, a file or a directory, known by a hash of all of it. So the command has
to give the same bytes each time, which the first runs check.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

# Ahead of a program: it tells each of its operations on files before it makes it, and waits for a byte on its input
# before the one of the number that it is given. Reading is no operation; an exchange of names makes no event, and
# stands between two that do.
_TELLING = """
import os, sys
_pipe, _wait_at, _told = int(sys.argv.pop(1)), int(sys.argv.pop(1)), 0
_names = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "shutil.rmtree"}
def _tell(event, arguments):
    global _told
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in _names:
        waits = _told == _wait_at
        _told += 1
        os.write(_pipe, f"{'waits' if waits else 'goes on'}\\t{event}\\t{arguments[0]}\\n".encode())
        if waits:
            os.read(0, 1)
sys.addaudithook(_tell)
"""
_NEVER = -1
# What ``export`` does with its output, without TensorFlow's seconds: the files of one bundle become another.
WRITE_BUNDLE = """
import sys
from pathlib import Path
from deeprnn_export.pipeline.bundle_writer import new_bundle
with new_bundle(sys.argv[2], force=True) as folder:
    for file in sorted(Path(sys.argv[1]).iterdir()):
        (folder / file.name).write_bytes(file.read_bytes())
"""
RUN_COMMAND = "from deeprnn_edge.cli.main import main; main()"


@dataclass(frozen=True)
class Target:
    """A program that replaces a result.

    Attributes:
        program: Python code; it has to replace what is at ``output``.
        words: its ``sys.argv[1:]``.
        output: a path in a folder of its own, where nothing else is.
        is_old: whether the output is the whole old result.
        is_new: whether it is the whole new one.
        restore: puts the old one back, and removes everything else in the folder.
        seconds: of a whole run.
        within: the numbers of the operations in the output's folder, among all that a whole run makes.
    """

    program: str
    words: Sequence[str]
    output: Path
    is_old: Callable[[], bool]
    is_new: Callable[[], bool]
    restore: Callable[[], None]
    seconds: float = 0.0
    within: tuple[int, ...] = ()

    def state(self) -> str:
        """Return ``old``, ``new`` or ``neither``."""
        return "old" if self.is_old() else "new" if self.is_new() else "neither"

    def left_behind(self) -> list[str]:
        """Return the names beside the output, which are the program's own temporary ones."""
        return sorted(path.name for path in self.output.parent.iterdir() if path != self.output)


class Kill(NamedTuple):
    """What a kill left: before which operation, the result's state, and whether temporary names stand beside it."""

    operation: str
    state: str
    in_the_middle: bool


def make_target(program: str, words: Sequence[object], output: Path, old: Path) -> Target:
    """Make a target whose old result is a copy of ``old``, and whose new one is what a first whole run writes.

    Raises:
        RuntimeError: where the run fails, gives the old result, or other bytes at its second time.
    """
    before = digest(old)
    found: list[str] = []

    def restore() -> None:
        shutil.rmtree(output.parent, ignore_errors=True)
        output.parent.mkdir(parents=True)
        (shutil.copytree if old.is_dir() else shutil.copyfile)(old, output)

    target = Target(
        program,
        [str(word) for word in words],
        output,
        is_old=lambda: digest(output) == before,
        is_new=lambda: digest(output) == found[0],
        restore=restore,
    )
    seconds = float("inf")
    for _ in range(2):
        started = time.perf_counter()
        run = _Run(target, _NEVER)
        paths = [path for _, _, path in run.operations()]
        run.finish()
        seconds = min(seconds, time.perf_counter() - started)
        found.append(digest(output))
    if before in found or found[0] != found[1]:
        raise RuntimeError(f"{' '.join(target.words)} has to write another result than the old one, always the same")
    within = [number for number, path in enumerate(paths) if path.startswith(str(output.parent))]
    return replace(target, seconds=seconds, within=tuple(within))


def kill_at_random(target: Target, kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill the program and its children so often, in runs of two kinds by turns.

    In one the moment is anywhere in the whole run; in the other within 5 ms after an operation in the output's
    folder, one of them by chance: that is where a short write is. The first of these is killed at once, so that one
    at least is in the middle. A run that ended before is no kill; its result counts.
    """
    random = Random(seed)
    outcomes: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    left_behind = too_late = 0
    for number in count():
        if moments.total() >= kills:
            break
        if number % 2:
            run = _Run(target, _NEVER)
            time.sleep(random.uniform(0, target.seconds))
        else:
            run = _Run(target, random.choice(target.within[1:]))
            run.wait_for_the_operation()
            if number:
                run.go_on()
                time.sleep(random.uniform(0, 0.005))
        ended = not run.kill()
        state, names = target.state(), target.left_behind()
        outcomes[state] += 1
        if ended:
            too_late += 1
            continue
        left_behind += bool(names)
        moments["during" if names else "before" if state == "old" else "after"] += 1
    return {
        "kills": kills,
        "runs_that_ended_before": too_late,
        "whole_run_seconds": round(target.seconds, 2),
        "outcomes": dict(sorted(outcomes.items())),
        "moments": dict(sorted(moments.items())),
        "temporary_names_left": left_behind,
    }


def kill_at_each_operation(target: Target) -> list[Kill]:
    """Kill the program before its first operation on files, before its second, and so on until it comes through."""
    found: list[Kill] = []
    while (kill := kill_before(target, len(found))).operation != "the end":
        found.append(kill)
    return [*found, kill]


def kill_before(target: Target, number: int) -> Kill:
    """Kill the program before its operation of that number; where it makes fewer, let it end."""
    run = _Run(target, number)
    operation = run.wait_for_the_operation()
    if operation is None:
        run.finish()
        operation = "the end"
    else:
        run.kill()
    return Kill(operation, target.state(), bool(target.left_behind()))


def digest(path: Path) -> str:
    """Hash a file, or a directory's names and files; give what is missing a hash that no other has."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return "missing"
    entries = sorted((file.relative_to(path).as_posix(), digest(file)) for file in path.rglob("*") if file.is_file())
    return hashlib.sha256(repr(entries).encode()).hexdigest()


class _Run:
    """A run of a target's program from the old result on, which waits before the operation of a number."""

    def __init__(self, target: Target, wait_at: int) -> None:
        target.restore()
        there, pipe = os.pipe()
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - a pipe that nobody reads would fill up
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-c", _TELLING + target.program, str(pipe), str(wait_at), *target.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=[pipe],
            start_new_session=True,
        )
        os.close(pipe)
        self._told = os.fdopen(there, encoding="utf-8")

    def operations(self) -> Iterator[tuple[str, str, str]]:
        """Yield each operation as it is told, ``waits`` or ``goes on``, its name and its path, until the end."""
        for line in self._told:
            state, operation, path = line.rstrip("\n").split("\t")
            yield state, operation, path

    def wait_for_the_operation(self) -> str | None:
        """Return the operation that the program waits before, or None where it came to its end."""
        return next((operation for state, operation, _ in self.operations() if state == "waits"), None)

    def go_on(self) -> None:
        """Let the program make the operation that it waits before."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def finish(self) -> None:
        """Wait for the end. Raises RuntimeError where the program fails."""
        code = self.process.wait()
        self._errors.seek(0)
        said = self._errors.read()
        self.kill()
        if code:
            raise RuntimeError(f"the program ended with {code}: {said[-500:]}")

    def kill(self) -> bool:
        """Kill the program and its children, and return whether it had not ended before."""
        running = self.process.poll() is None
        if running:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self._told.close()
        self._errors.close()
        return running
