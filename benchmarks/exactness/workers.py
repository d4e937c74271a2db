"""Run many models in processes that are replaced: TensorFlow's converters leak, and some models end them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

JOBS_PER_PROCESS = 50  # the TFLite converter leaks (tensorflow#122598)
SECONDS_PER_JOB = 300

Work = Callable[[Any], dict[str, Any]]


def run_jobs(
    jobs: Sequence[Any],
    prepare: Callable[[], Work],
    *,
    workers: int,
    told: Callable[[int, dict[str, Any]], None],
) -> list[dict[str, Any]]:
    """Run every job, and return the outcomes in order.

    Args:
        prepare: gives the function that does a job; called once in each process.
        told: called with a job's index and outcome as they come. Where a job ends or stalls its process, the
            outcome is ``{"kind": "error", "message": ...}``.
    """
    # Dealt in turn, as jobs that stand together are often alike in length.
    processes = max(min(workers, len(jobs)), -(-len(jobs) // JOBS_PER_PROCESS))
    chunks = [range(first, len(jobs), processes) for first in range(processes)]
    outcomes: dict[int, dict[str, Any]] = {}

    def work(chunk: range) -> None:
        for index, outcome in _run_chunk(jobs, list(chunk), prepare):
            outcomes[index] = outcome
            told(index, outcome)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, chunks))
    return [outcomes[index] for index in range(len(jobs))]


def _run_chunk(
    jobs: Sequence[Any], remaining: list[int], prepare: Callable[[], Work]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run jobs in one process; where a job ends or stalls it, in another one after it."""
    context = multiprocessing.get_context("spawn")
    while remaining:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=([jobs[index] for index in remaining], prepare, there))
        process.start()
        there.close()
        try:
            while remaining:
                if not here.poll(SECONDS_PER_JOB):
                    raise EOFError
                yield remaining.pop(0), here.recv()
        except EOFError:
            process.kill()
            process.join()
            message = f"the process ended with {process.exitcode}, or took more than {SECONDS_PER_JOB} s"
            yield remaining.pop(0), {"kind": "error", "message": message}
        process.join()


def _serve(jobs: list[Any], prepare: Callable[[], Work], answers: Connection) -> None:
    work = prepare()
    for job in jobs:
        answers.send(work(job))
