"""An engine that answers, errs, dies, hangs or spins as its ``variant`` says."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    with np.load(path.parent / f"{workload.name}.npz") as file:
        expected, given = file["answers"], file["inputs"]
    called = 0

    def call(inputs: Any) -> Any:
        nonlocal called
        called += 1
        print("what a native library prints")  # noqa: T201
        if variant == "dies while it is timed" and called > 2 * len(given):
            os._exit(3)
        answer = expected[next(n for n, one in enumerate(given) if np.array_equal(one, inputs))]
        return answer + 1e-3 if variant == "wrong" else answer

    if variant == "raises":
        raise ValueError("no such\noperator")
    if variant == "dies":
        os._exit(7)
    if variant == "hangs":
        time.sleep(60)
    if variant == "spins":
        threading.Thread(target=_spin, daemon=True).start()
    return Opened(call, 12)


def _spin() -> None:
    while True:
        pass
