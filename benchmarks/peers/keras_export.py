"""Measure larger networks against Keras's own ONNX export: ``python benchmarks/peers/keras_export.py``.

Bidirectional layers of 64 units over 100 steps, with and without a mask, of their last outputs and of all of them;
and three layers of 256 units over 1,000 steps, where the time goes into arithmetic. Both files run in ONNX Runtime
with the same session options: batch 1, one thread, entries alternating in blocks, answers compared with Keras
first, the ratio that of the medians. Also how long an export takes, from the model to the verified bundle, with
TensorFlow loaded. Writes ``results/compare_networks.json``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_edge.runtimes.onnx.inspection import inspect_onnx
from deeprnn_edge.tables import format_table
from deeprnn_export import export

CELLS = {"SimpleRNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}
FEATURES = 32
# For a difference to Keras: 1e-5, and 1e-4 where rounding passes through 3,000 steps.
BIDIRECTIONAL, DEEP = 1e-5, 1e-4


@dataclass(frozen=True)
class Network:
    """Hold one workload: its name, steps, how it is built, how often it is timed, and how exact both files must be."""

    what: str
    cell: str
    masked: bool
    steps: int
    build: Callable[[], keras.Model]
    runs: int
    atol: float


def networks() -> Iterator[Network]:
    """Return every workload."""
    for masked in (False, True):
        for sequences in (False, True):
            what = f"Bidirectional(64), {'every output' if sequences else 'last output'}"
            for cell, layer in CELLS.items():
                yield Network(
                    what,
                    cell,
                    masked,
                    100,
                    lambda layer=layer, sequences=sequences, masked=masked: network(
                        100, masked, keras.layers.Bidirectional(layer(64, return_sequences=sequences))
                    ),
                    1000,
                    BIDIRECTIONAL,
                )
    for cell, layer in CELLS.items():
        yield Network(
            "3 x 256",
            cell,
            False,
            1000,
            lambda layer=layer: network(1000, False, *[layer(256, return_sequences=depth < 2) for depth in range(3)]),
            20,
            DEEP,
        )


def network(steps: int, masked: bool, *layers: keras.layers.Layer) -> keras.Model:
    """Build the layers over ``(steps, 32)`` features, as Keras initialises them."""
    keras.utils.set_random_seed(0)
    masking = [keras.layers.Masking()] if masked else []
    return keras.Sequential([keras.Input((steps, FEATURES), name="features"), *masking, *layers])


def main() -> None:
    """Measure everything, print it, write it."""
    rows = []
    for workload in networks():
        print(f"{workload.what}, {workload.cell}{', masked' if workload.masked else ''}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare(workload, Path(folder)))
    result = {
        "format_version": 1,
        "what": "p50 latency of one call, batch 1, one thread, against Keras model.export in the same ONNX Runtime",
        "machine": describe_machine(),
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compare_networks.json").write_text(json.dumps(result, indent=2) + "\n")
    header = ["network", "cell", "masked", "ours, us", "Keras export, us", "faster", "nodes", "export, s"]
    print(format_table(header, [cells_of(row) for row in rows]))


def compare(workload: Network, folder: Path) -> dict[str, Any]:
    """Measure both files of one network beside each other."""
    model = workload.build()
    started = time.perf_counter()
    export(model, folder / "bundle", formats=["onnx"])
    export_seconds = time.perf_counter() - started
    peer = folder / "peer.onnx"
    model.export(str(peer), format="onnx", verbose=False)
    features = np.random.default_rng(1).standard_normal((1, workload.steps, FEATURES)).astype(np.float32)
    expected = np.asarray(model(features, training=False))
    calls, differences, inspections = {}, {}, {}
    for name, content in (("ours", (folder / "bundle" / "model.onnx").read_bytes()), ("peer", peer.read_bytes())):
        inspections[name] = inspect_onnx(content, name)
        session = open_session(content, kind="onnx", path=name)
        feeds = {inspections[name].inputs[0].name: features}
        (answer,) = session.run(feeds).values()
        differences[name] = float(np.abs(answer - expected).max())
        if not differences[name] <= workload.atol:
            raise SystemExit(f"{workload.what} {workload.cell}: {name} differs from Keras by {differences[name]}")
        calls[name] = lambda session=session, feeds=feeds: session.run(feeds)
    timings = time_alternating(calls, rows=1, runs=workload.runs)
    return {
        "network": workload.what,
        "steps": workload.steps,
        "cell": workload.cell,
        "masked": workload.masked,
        "ours_p50_us": timings["ours"].p50_ms * 1e3,
        "peer_p50_us": timings["peer"].p50_ms * 1e3,
        "speedup": timings["peer"].p50_ms / timings["ours"].p50_ms,
        "ours_max_abs_diff": differences["ours"],
        "peer_max_abs_diff": differences["peer"],
        "ours_recurrent": dict(inspections["ours"].recurrent),
        "ours_loops": dict(inspections["ours"].loops),
        "peer_recurrent": dict(inspections["peer"].recurrent),
        "peer_loops": dict(inspections["peer"].loops),
        "export_seconds": export_seconds,
    }


def cells_of(row: dict[str, Any]) -> list[str]:
    """Return a row of the printed table."""
    return [
        row["network"],
        row["cell"],
        "yes" if row["masked"] else "",
        f"{row['ours_p50_us']:.0f}",
        f"{row['peer_p50_us']:.0f}",
        f"{row['speedup']:.2f}",
        ", ".join(f"{name} {count}" for name, count in row["ours_recurrent"].items()),
        f"{row['export_seconds']:.1f}",
    ]


if __name__ == "__main__":
    main()
