"""Make what is needed before anything is measured: in other processes, so that TensorFlow is not in this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.exactness.workers import run_jobs
from benchmarks.peers.entries import FILES, Entry
from benchmarks.peers.job import MADE, Job
from benchmarks.peers.workloads import Network, Workload


def make_all(
    workloads: Sequence[Workload], entries: Sequence[Entry], folder: Path, *, progress: Callable[[str], None]
) -> dict[Network, dict[str, str | None]]:
    """Make every network's files in a folder of its ``key``: for each by route None, or why there is no file."""
    jobs = []
    for network in dict.fromkeys(one.network for one in workloads):
        of_it = tuple(one for one in workloads if one.network == network)
        wanted = frozenset(one.file for one in entries if any(map(one.takes, of_it)))
        jobs.append(Job(network, wanted, of_it, folder / network.key))

    def told(index: int, outcome: dict[str, Any]) -> None:
        failed = [route for route, problem in outcome.items() if problem]
        progress(f"{jobs[index].network.key}: files made" + (f", but {', '.join(failed)}" if failed else ""))

    outcomes = run_jobs(jobs, prepared, workers=2, told=told)
    return {job.network: _complete(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)}


def prepared() -> Callable[[Job], dict[str, str | None]]:
    """Prepare what a worker process does with a job."""
    from benchmarks.peers.files import make_files

    return make_files


def _complete(job: Job, outcome: dict[str, Any]) -> dict[str, str | None]:
    """Complete an outcome; of a job that ended its process what it had made, and the reason for the rest."""
    if outcome.get("kind") != "error":
        return outcome
    made = job.folder / MADE
    before: dict[str, str | None] = json.loads(made.read_text()) if made.exists() else {}
    return dict.fromkeys((route for route in FILES if route in job.wanted), outcome["message"]) | before
