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
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

# In a process that ends itself before its n-th operation on files. Reading is none; an exchange of names makes no
# event, and stands between two that do. Each is told first, so that the last line says where it ended.
_ENDING = """
import os, signal, sys
left = int(sys.argv.pop(1))
names = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "shutil.rmtree"}
def hook(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in names:
        os.write(2, f"{event} {arguments[0]}\\n".encode())
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""
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
    """A command that replaces a result.

    command: in full; it has to replace what is at ``output``.
    output: a path in a folder of its own, where nothing else is.
    is_old, is_new: whether the output is the whole old or the whole new result.
    restore: puts the old one back, and removes everything else in the folder.
    seconds, changes: of a whole run, and how often what is in the output's folder was seen to change meanwhile.
    """

    command: Sequence[str]
    output: Path
    is_old: Callable[[], bool]
    is_new: Callable[[], bool]
    restore: Callable[[], None]
    seconds: float
    changes: int

    def state(self) -> str:
        """``old``, ``new`` or ``neither``."""
        return "old" if self.is_old() else "new" if self.is_new() else "neither"

    def left_behind(self) -> list[str]:
        """Names beside the output, which are the command's own temporary ones."""
        return sorted(path.name for path in self.output.parent.iterdir() if path != self.output)


def make_target(command: Sequence[str], output: Path, old: Path) -> Target:
    """A target whose old result is a copy of ``old``, and whose new one is what a first whole run writes.

    Raises RuntimeError where the run fails, gives the old result, or other bytes at its second time.
    """
    before = digest(old)

    def restore() -> None:
        shutil.rmtree(output.parent, ignore_errors=True)
        output.parent.mkdir(parents=True)
        (shutil.copytree if old.is_dir() else shutil.copyfile)(old, output)

    found, seconds = [], float("inf")
    for _ in range(2):
        restore()
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        changes = _await_changes(output.parent, process, sys.maxsize)
        if process.wait():
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        seconds = min(seconds, time.perf_counter() - started)
        found.append(digest(output))
    if before in found or found[0] != found[1]:
        raise RuntimeError(f"{' '.join(command)} has to write another result than the old one, and always the same")
    return Target(
        command,
        output,
        is_old=lambda: digest(output) == before,
        is_new=lambda: digest(output) == found[0],
        restore=restore,
        seconds=seconds,
        changes=max(1, changes),
    )


def kill_at_random(target: Target, kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill the command and its children so often, in runs of two kinds by turns.

    In one the moment is anywhere in the whole run; in the other within 5 ms after a change in the output's folder,
    one of them by chance: that is where a short write is. A run that ended before is no kill; its result counts.
    """
    random = Random(seed)
    outcomes: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    left_behind = too_late = 0
    while moments.total() < kills:
        target.restore()
        process = subprocess.Popen(
            target.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if (moments.total() + too_late) % 2:
            _await_changes(target.output.parent, process, random.randint(1, target.changes))
            time.sleep(random.uniform(0, 0.005))
        else:
            time.sleep(random.uniform(0, target.seconds))
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
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


def kill_at_each_operation(program: str, words: Sequence[str], target: Target) -> list[tuple[str, str]]:
    """End the program before its first operation on files, before its second, and so on until it comes through.

    program: Python code; words: its ``sys.argv[1:]``. The command of the target is not used.

    For each, the operation and the state that it left.
    """
    found = []
    while True:
        target.restore()
        done = subprocess.run(
            [sys.executable, "-B", "-c", _ENDING + program, str(len(found)), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != -signal.SIGKILL:
            if done.returncode:
                raise RuntimeError(f"the program ended with {done.returncode}: {done.stderr[-500:]}")
            return [*found, ("the end", target.state())]
        found.append((done.stderr.splitlines()[-1].split()[0], target.state()))


def digest(path: Path) -> str:
    """A hash of a file, or of a directory's names and files; of what is missing one that no other has."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return "missing"
    entries = sorted((file.relative_to(path).as_posix(), digest(file)) for file in path.rglob("*") if file.is_file())
    return hashlib.sha256(repr(entries).encode()).hexdigest()


def _await_changes(folder: Path, process: subprocess.Popen[bytes], count: int) -> int:
    """Wait until a folder has changed so often, or the process has ended; how often it has."""
    seen, changes = _look(folder), 0
    while changes < count and process.poll() is None:
        time.sleep(1e-4)  # the command needs the processor too
        if (now := _look(folder)) != seen:
            seen, changes = now, changes + 1
    return changes


def _look(folder: Path) -> list[tuple[str, int, int]]:
    """Every name in a folder and below it, with what tells that it has changed."""
    found = []
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                status = (Path(here) / name).lstat()
            except OSError:  # it went between the listing and here
                continue
            found.append((name, status.st_ino, status.st_size))
    return sorted(found)
