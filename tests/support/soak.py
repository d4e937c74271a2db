"""What a process holds on to after very many calls and loads, and what a loaded model does while nobody asks it.

Each measurement has a fresh process: ``python -m tests.support.soak REQUEST``, JSON in and JSON out.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import deeprnn_edge
from deeprnn_edge.bench.cold_start import resident_bytes
from deeprnn_edge.bundle.bundle import open_bundle
from tests.support.threads import random_texts

SAMPLES = 50
TEXTS = 1_000


def measure_apart(what: str, path: Path, artifact: str, **options: float) -> dict[str, Any]:
    """One of ``MEASURES`` in a process of its own. Raises RuntimeError with its last words where it fails."""
    request = json.dumps({"what": what, "path": str(path), "artifact": artifact, **options})
    command = [sys.executable, "-P", "-m", "tests.support.soak", request]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{what} of {artifact} ended with {done.returncode}: {done.stderr.splitlines()[-1]}")
    return {"bundle": path.name, "artifact": artifact, **json.loads(done.stdout.splitlines()[-1])}


def predictions(path: str, artifact: str, *, count: int, warm_up: int) -> dict[str, Any]:
    """``Model.predict`` on one text after the other."""
    model = deeprnn_edge.load(path, artifact=artifact)
    texts = cycle(_texts(path))
    return repeat(lambda: model.predict(next(texts)), count, warm_up)


def loads(path: str, artifact: str, *, count: int, warm_up: int) -> dict[str, Any]:
    """Load, predict once, push once into a stream where there is one, and let go."""
    texts = cycle(_texts(path))
    streams = open_bundle(path).manifest.stream is not None

    def once() -> None:
        model = deeprnn_edge.load(path, artifact=artifact)
        model.predict(next(texts))
        if streams:
            model.stream().push("film")

    return repeat(once, count, warm_up)


def idle(path: str, artifact: str, *, seconds: float, threads: int = 1) -> dict[str, Any]:
    """CPU seconds of every thread of the process while a model is loaded, was asked once, and is left alone."""
    model = deeprnn_edge.load(path, artifact=artifact, threads=threads)
    model.predict(_texts(path)[0])
    _settle()
    before, started = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    return {
        "threads": threads,
        "wall_seconds": round(time.perf_counter() - started, 3),
        "cpu_seconds": round(time.process_time() - before, 6),
    }


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {"predictions": predictions, "loads": loads, "idle": idle}


def repeat(work: Callable[[], object], count: int, warm_up: int) -> dict[str, Any]:
    """What the process holds after ``warm_up`` calls, at most while it makes ``count`` more, and after them."""
    for _ in range(warm_up):
        work()
    gc.collect()
    before, descriptors, threads = resident_bytes(), _count("/dev/fd"), _count("/proc/self/task")
    samples: list[int] = []
    every = max(1, count // SAMPLES)
    started = time.perf_counter()
    for done in range(1, count + 1):
        work()
        if done % every == 0:
            samples.append(resident_bytes() or 0)
    seconds = time.perf_counter() - started
    gc.collect()
    after = resident_bytes()
    return {
        "count": count,
        "warm_up": warm_up,
        "resident_bytes": before,
        "grown_bytes": None if before is None or after is None else after - before,
        "most_grown_bytes": None if before is None else max(samples) - before,
        "descriptors_before": descriptors,
        "descriptors_after": _count("/dev/fd"),
        "system_threads_before": threads,
        "system_threads_after": _count("/proc/self/task"),
        "seconds": round(seconds, 1),
    }


def _settle() -> None:
    """Wait until no thread computes: XNNPACK's second one spins on behind a call, for longer on a busy machine."""
    for _ in range(100):
        before = time.process_time()
        time.sleep(0.1)
        if time.process_time() - before < 1e-4:
            return


def _texts(path: str) -> list[str]:
    return random_texts(open_bundle(path).vocabulary(), TEXTS)


def _count(folder: str) -> int | None:
    """How many entries the system shows there; None where it has no such folder."""
    return len(os.listdir(folder)) if Path(folder).is_dir() else None  # noqa: PTH208 - no path is made of them


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(MEASURES[asked.pop("what")](asked.pop("path"), asked.pop("artifact"), **asked)))  # noqa: T201 - its result
