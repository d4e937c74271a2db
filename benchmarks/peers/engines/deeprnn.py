"""Run this project's files by its own runtime: what ``deeprnn_edge.load`` gives an app."""

from __future__ import annotations

from pathlib import Path

import deeprnn_edge
from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open ``Model.run``, or ``Stream.push`` where the path holds a stream. variant: the artifact's path."""
    model = deeprnn_edge.load(path, artifact=variant, threads=workload.threads)
    (output,) = model.manifest.outputs
    name, size_bytes = output.name, (path / variant).stat().st_size
    if model.manifest.stream is None:
        return Opened(lambda inputs: model.run(inputs)[name], size_bytes)
    stream = model.stream(workload.batch)
    return Opened(stream.push, (path / variant.replace("model", "stream")).stat().st_size, carries=True)
