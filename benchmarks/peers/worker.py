"""Run one entry in a process of its own: ``python -m benchmarks.peers.worker REQUEST``.

It opens the network, answers every input, and then times calls in blocks as it is told, a line of JSON for each line
of JSON: ``{"calls": 100}`` gives ``{"taken_seconds": [...], "cpu_seconds": ...}``.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.engines.opened import Opened, with_window
from benchmarks.peers.workloads import Network, Workload
from deeprnn_edge.bench.cold_start import resident_bytes
from deeprnn_edge.bench.timing import time_block, warm_up


def main(request: dict[str, Any]) -> None:
    """Open, answer, and serve until the other side closes."""
    # What native libraries print would stand between the answers: they get stderr in place of stdout.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # peers' own deprecations; nothing of ours runs here that tests do not cover

    def tell(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")

    workload = Workload(**request["workload"] | {"network": Network(**request["workload"]["network"])})
    pin(workload.threads)
    started = time.perf_counter()
    importlib.import_module(request["package"])
    engine = importlib.import_module(request["engine"])
    imported = time.perf_counter()
    with np.load(request["inputs"]) as file:
        inputs = file["inputs"]
    calls = np.split(inputs[0], inputs.shape[2], axis=1) if workload.streams else list(inputs)
    calls = [np.ascontiguousarray(call) for call in calls]
    try:
        opening = time.perf_counter()
        opened: Opened = engine.open_network(Path(request["path"]), workload, request["variant"])
        if workload.streams and not opened.carries:
            opened = with_window(opened, workload.network.steps)
        loaded = time.perf_counter()
        # Copied: a peer may answer with a view of what its next call overwrites.
        given = [np.array(opened.call(calls[0]), np.float32)]
        answered = time.perf_counter()
        memory = resident_bytes()
        given += [np.array(opened.call(call), np.float32) for call in calls[1:]]
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its row's reason
        tell(problem=shorten(f"{type(error).__name__}: {error}"))
        return
    np.save(request["answers"], np.stack(given))
    turn = itertools.cycle(calls)

    def call() -> Any:
        return opened.call(next(turn))

    tell(
        import_ms=(imported - started) * 1e3,
        load_ms=(loaded - opening) * 1e3,
        first_call_ms=(answered - loaded) * 1e3,
        resident_bytes=memory,
        size_bytes=opened.size_bytes,
        call_seconds=warm_up(call),
    )
    for line in sys.stdin:
        taken, cpu_seconds = time_block(call, json.loads(line)["calls"])
        tell(taken_seconds=taken, cpu_seconds=cpu_seconds)


def shorten(message: str) -> str:
    """Shorten a message to one line; of a long one its beginning and its end, where compilers say what it was."""
    line = " ".join(message.split())
    return line if len(line) <= 300 else f"{line[:100]} ... {line[-195:]}"


def pin(threads: int) -> None:
    """Keep this process, and the threads that it will start, to its first cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < threads:
            raise SystemExit(f"{threads} threads need as many cores, and this process may use {len(cores)}")
        os.sched_setaffinity(0, set(cores[:threads]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
