"""Describe one network, and what is to be made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.workloads import Network, Workload

MADE = "made.json"


@dataclass(frozen=True)
class Job:
    """Hold a network, the files that are ``wanted``, and the workloads that need its inputs and answers."""

    network: Network
    wanted: frozenset[str]
    workloads: tuple[Workload, ...]
    folder: Path
