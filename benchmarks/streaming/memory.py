"""Measure what streams take of a fresh process's memory: ``python benchmarks/streaming/memory.py BUNDLE``, as JSON.

A million pushes of one step through one stream; then a thousand streams at once in one session, each given
other ids, and each held against the sequence model on what it was given.
"""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import numpy as np

import deeprnn_edge
from deeprnn_edge.bench.cold_start import resident_bytes

FEW, MANY = 10_000, 1_000_000
STREAMS, STEPS = 1_000, 100


def main(bundle: str) -> None:
    """Measure in this process, and print."""
    model = deeprnn_edge.load(bundle)
    print(json.dumps({"pushes": _pushes(model), "streams": _streams(model)}))


def _pushes(model: deeprnn_edge.Model) -> dict[str, Any]:
    ids = np.random.default_rng(0).integers(4, 10_000, (1, 1_000), dtype=np.int32)
    steps = [np.ascontiguousarray(ids[:, step : step + 1]) for step in range(ids.shape[1])]
    resident = {}
    with model.stream() as stream:
        for done in range(MANY):
            stream.push(steps[done % len(steps)])
            if done + 1 in (FEW, MANY):
                gc.collect()
                resident[done + 1] = resident_bytes() or 0
    return {"few": FEW, "many": MANY, "grown_bytes": resident[MANY] - resident[FEW]}


def _streams(model: deeprnn_edge.Model) -> dict[str, Any]:
    ids = np.random.default_rng(1).integers(4, 10_000, (STREAMS, STEPS), dtype=np.int32)
    expected = model.run(ids)[model.manifest.outputs[0].name]
    with model.stream() as stream:  # what the session's first stream costs once
        stream.push(ids[:1, :1])
        state_bytes = sum(array.nbytes for array in stream.state.values())
    gc.collect()
    before = resident_bytes() or 0
    streams = [model.stream() for _ in range(STREAMS)]
    answers = []
    for step in range(STEPS):  # in turns, as a server would
        answers = [stream.push(row[np.newaxis, step : step + 1]) for stream, row in zip(streams, ids, strict=True)]
    got = np.concatenate(answers)
    del answers
    gc.collect()
    added = (resident_bytes() or 0) - before
    return {
        "count": STREAMS,
        "max_abs_diff": float(np.abs(got - expected).max()),
        "state_bytes": state_bytes,
        "added_bytes_each": added / STREAMS,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
