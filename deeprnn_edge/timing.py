"""Time calls beside each other: in blocks that alternate, so that a busy moment hits them all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from deeprnn_edge.errors import InputError

ROUNDS = 10
_WARM_UP_CALLS = 20
_WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Timing:
    """The latency of one call in milliseconds over ``runs`` calls, by percentile.

    rows_per_second: from the mean latency.
    cpu_seconds_per_call: of all threads of the process (``time.process_time``, which is coarse on Windows).
    """

    runs: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    rows_per_second: float
    cpu_seconds_per_call: float


def time_alternating(
    calls: Mapping[str, Callable[[], object]], *, rows: int, runs: int | None = None, seconds: float | None = None
) -> dict[str, Timing]:
    """Time each call, in ten rounds over all of them, after a warm-up.

    rows: what one call answers for, for the throughput.
    runs: how often each is called; or
    seconds: for how long each is called, about, judged by its warm-up.

    Raises InputError where the seconds do not suffice for one call.
    """
    typical = {name: _warm_up(call) for name, call in calls.items()}
    counts = {name: runs or _count(name, typical[name], seconds or 0) for name in calls}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    cpu_seconds = dict.fromkeys(calls, 0.0)
    for number in range(ROUNDS):
        # Every other round runs backwards: none is always the one that follows the heaviest.
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            count = counts[name] * (number + 1) // ROUNDS - counts[name] * number // ROUNDS
            if count:
                taken, cpu = _block(calls[name], count)
                samples[name] += taken
                cpu_seconds[name] += cpu
    return {name: _summarize(samples[name], cpu_seconds[name], rows) for name in calls}


def _warm_up(call: Callable[[], object]) -> float:
    """Call until caches and branch predictors are warm; the median seconds of a call."""
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < _WARM_UP_CALLS and sum(taken) < _WARM_UP_SECONDS):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken[1:]))


def _count(name: str, call_seconds: float, seconds: float) -> int:
    call_seconds = max(call_seconds, 1e-9)  # a clock may be too coarse to see a call at all
    count = int(seconds / call_seconds)
    if count < 1:
        needed = 10 ** math.ceil(math.log10(call_seconds))
        raise InputError(
            f"seconds {seconds:g} leaves no time for one call of {name}, which takes {call_seconds:.2g} s; "
            f"give at least {needed:g}, or a number of runs"
        )
    return count


def _block(call: Callable[[], object], count: int) -> tuple[list[float], float]:
    """Seconds of each of ``count`` calls, and the CPU seconds of them all."""
    call()  # untimed: it fetches back what the block before has driven out of the caches
    clock, taken = time.perf_counter, []
    cpu_started = time.process_time()
    for _ in range(count):
        started = clock()
        call()
        taken.append(clock() - started)
    return taken, time.process_time() - cpu_started


def _summarize(seconds: list[float], cpu_seconds: float, rows: int) -> Timing:
    taken_ms = np.array(seconds) * 1e3
    p50, p90, p95, p99 = (float(value) for value in np.percentile(taken_ms, [50, 90, 95, 99]))
    mean = float(taken_ms.mean())
    return Timing(
        runs=len(seconds),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        mean_ms=mean,
        min_ms=float(taken_ms.min()),
        rows_per_second=rows * 1e3 / mean,
        cpu_seconds_per_call=cpu_seconds / len(seconds),
    )
