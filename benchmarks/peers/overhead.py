"""Measure what this project's runtime adds to bare ONNX Runtime: ``python benchmarks/peers/overhead.py``.

For the seed models: the microseconds that ``run``, and ``predict`` of a text of 100 words, take above the bare
session's call on the same ids, alternating in one run; and the seconds of a process that imports, loads and predicts
once, beside one that does the same with onnxruntime alone. Writes ``results/overhead.json``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime

import deeprnn_edge
from benchmarks.paths import RESULTS
from benchmarks.peers.networks import build
from benchmarks.peers.workloads import CELLS, WORDS, Network
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_export import export

RUNS = 5_000
PROCESS_RUNS = 20
TEXT = " ".join(f"Word{rank}," for rank in range(1, 9000, 90))  # 100 words with something to filter

BARE_PROCESS = """
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession({path!r}, options, providers=["CPUExecutionProvider"])
session.run(None, {{"tokens": np.ones((1, 100), np.int32)}})
"""
OUR_PROCESS = """
import deeprnn_edge
deeprnn_edge.load({bundle!r}).predict("a gorgeous, moving film")
"""


def main() -> None:
    """Measure and write."""
    added = {}
    with tempfile.TemporaryDirectory() as folder:
        for cell, title in CELLS.items():
            print(title, file=sys.stderr)
            bundle = Path(folder) / cell
            export(build(Network(cell)), bundle, vocabulary=WORDS, rules="imdb")
            added[title] = measure_calls(bundle)
        print("processes", file=sys.stderr)
        process = measure_process(Path(folder) / "gru")
    result = {
        "format_version": 1,
        "what": "microseconds of p50 above the bare session's call, batch 1, 100 steps, one thread",
        "machine": describe_machine(),
        "overhead_us": added,
        "process": process,
    }
    RESULTS.mkdir(exist_ok=True)
    write_output(RESULTS / "overhead.json", json.dumps(result, indent=2) + "\n")
    print(json.dumps({"overhead_us": added, "process": process}, indent=1))


def measure_calls(bundle: Path) -> dict[str, float]:
    """Measure the microseconds that ``run``, and ``predict`` of a text of 100 words, take above the bare session."""
    model = deeprnn_edge.load(bundle)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    bare = onnxruntime.InferenceSession(str(bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])
    tokens = np.random.default_rng(1).integers(1, 10_000, (1, 100)).astype(np.int32)
    feeds = {"tokens": tokens}
    calls = {
        "bare": lambda: bare.run(None, feeds),
        "run": lambda: model.run(tokens),
        "predict_text": lambda: model.predict(TEXT),
    }
    timings = time_alternating(calls, rows=1, runs=RUNS)
    return {name: (timings[name].p50_ms - timings["bare"].p50_ms) * 1e3 for name in ("run", "predict_text")}


def measure_process(bundle: Path) -> dict[str, Any]:
    """Measure the seconds of a process that imports, loads and predicts once, against one with bare onnxruntime."""
    programs = {
        "ours": OUR_PROCESS.format(bundle=str(bundle)),
        "bare": BARE_PROCESS.format(path=str(bundle / "model.onnx")),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(PROCESS_RUNS + 1):
        for name, program in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            if number:  # the first fills the disk cache
                seconds[name].append(time.perf_counter() - started)
    medians = {name: float(np.median(taken)) for name, taken in seconds.items()}
    return {f"{name}_seconds": value for name, value in medians.items()} | {"ratio": medians["ours"] / medians["bare"]}


if __name__ == "__main__":
    main()
