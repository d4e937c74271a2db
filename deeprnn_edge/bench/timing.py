"""Time calls beside each other: in blocks that alternate, so that a busy moment hits them all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.guard.child import report

ROUNDS = 10
NOISY_SPREAD = 0.10
# Below five medians neither their spread nor an interval around them says much.
# A block may take so many times what its calls typically do, before it is taken to hang.
_BLOCK_ALLOWANCE = 20
FEWEST_BLOCKS = 5
_WARM_UP_CALLS = 20
_WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Timing:
    """Hold the latency of one call in milliseconds over ``runs`` calls, by percentile.

    Attributes:
        rows_per_second: from the mean latency.
        cpu_seconds_per_call: of all threads of the process (``time.process_time``, which is coarse on Windows).
        block_p50_ms, block_p95_ms, block_mean_ms: of each block of calls, in the order of the blocks.
        spread: how far apart the medians of the blocks are, see ``block_spread``; None below five blocks.
        noisy: ``spread`` is above 10 %: the machine was busy, or changed its pace.
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
    block_p50_ms: tuple[float, ...] = ()
    block_p95_ms: tuple[float, ...] = ()
    block_mean_ms: tuple[float, ...] = ()
    spread: float | None = None
    noisy: bool = False


def time_alternating(
    calls: Mapping[str, Callable[[], object]], *, rows: int, runs: int | None = None, seconds: float | None = None
) -> dict[str, Timing]:
    """Time each call, in ten rounds over all of them, after a warm-up.

    Args:
        calls: name to what is called.
        rows: what one call answers for, for the throughput.
        runs: how often each is called; or
        seconds: for how long each is called, about, judged by its warm-up.

    Returns:
        Name to timing.

    Raises:
        InputError: where the seconds do not suffice for one call.
    """
    typical = {}
    for name, call in calls.items():
        report(name)
        typical[name] = warm_up(call)
    counts = {name: runs or _count(name, typical[name], seconds or 0) for name in calls}
    blocks: dict[str, list[list[float]]] = {name: [] for name in calls}
    cpu_seconds = dict.fromkeys(calls, 0.0)
    for number in range(ROUNDS):
        # Every other round runs backwards: none is always the one that follows the heaviest.
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            count = counts[name] * (number + 1) // ROUNDS - counts[name] * number // ROUNDS
            if count:
                report(name, seconds=_BLOCK_ALLOWANCE * count * typical[name])
                taken, cpu = time_block(calls[name], count)
                blocks[name].append(taken)
                cpu_seconds[name] += cpu
    return {name: summarize(blocks[name], cpu_seconds[name], rows) for name in calls}


def block_spread(block_p50_ms: Sequence[float]) -> float | None:
    """Return the 10th to 90th percentile distance of the blocks' medians, by their median; None below five blocks.

    One disturbed block of ten barely counts, as it does not move the median either; from two on it shows.
    The largest by the smallest would flag a row for a single hiccup, and quartiles would miss two busy blocks.
    """
    if len(block_p50_ms) < FEWEST_BLOCKS:
        return None
    low, median, high = (float(value) for value in np.percentile(block_p50_ms, [10, 50, 90]))
    return (high - low) / median if median > 0 else None


def warm_up(call: Callable[[], object]) -> float:
    """Call until caches and branch predictors are warm, and return the median seconds of a call."""
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


def time_block(call: Callable[[], object], count: int) -> tuple[list[float], float]:
    """Time each of ``count`` calls in seconds, and all of them in CPU seconds."""
    call()  # untimed: it fetches back what the block before has driven out of the caches
    clock, taken = time.perf_counter, []
    cpu_started = time.process_time()
    for _ in range(count):
        started = clock()
        call()
        taken.append(clock() - started)
    return taken, time.process_time() - cpu_started


def summarize(blocks: Sequence[Sequence[float]], cpu_seconds: float, rows: int) -> Timing:
    """Make the figures of a call.

    Args:
        blocks: seconds of each call, by block.
        cpu_seconds: of all the calls together.
        rows: what one call answers for.
    """
    blocks_ms = [np.array(block) * 1e3 for block in blocks]
    taken_ms = np.concatenate(blocks_ms)
    p50, p90, p95, p99 = (float(value) for value in np.percentile(taken_ms, [50, 90, 95, 99]))
    mean = float(taken_ms.mean())
    block_p50_ms = tuple(float(np.median(block)) for block in blocks_ms)
    spread = block_spread(block_p50_ms)
    return Timing(
        runs=len(taken_ms),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        mean_ms=mean,
        min_ms=float(taken_ms.min()),
        rows_per_second=rows * 1e3 / mean,
        cpu_seconds_per_call=cpu_seconds / len(taken_ms),
        block_p50_ms=block_p50_ms,
        block_p95_ms=tuple(float(np.percentile(block, 95)) for block in blocks_ms),
        block_mean_ms=tuple(float(block.mean()) for block in blocks_ms),
        spread=spread,
        noisy=spread is not None and spread > NOISY_SPREAD,
    )
