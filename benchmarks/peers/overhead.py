"""Measure what this project's runtime adds to bare ONNX Runtime: ``python benchmarks/peers/overhead.py``.

For the seed models: the microseconds that ``run``, and ``predict`` of a text of 100 words, take above the bare
session's call on the same ids, alternating in one run; and the processor's seconds of a process that imports, loads and
predicts once, beside one that does the same with onnxruntime alone, in turns. Writes ``results/overhead.json``; with
``--process-only`` the last of it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
PROCESS_PAIRS = 30
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


def main(words: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="What the runtime adds to bare ONNX Runtime.")
    parser.add_argument("--process-only", action="store_true", help="Measure the first answer alone, keep the rest.")
    process_only = parser.parse_args(words).process_only
    cells = {"gru": CELLS["gru"]} if process_only else CELLS
    added = {}
    with tempfile.TemporaryDirectory() as folder:
        for cell, title in cells.items():
            print(title, file=sys.stderr)
            bundle = Path(folder) / cell
            export(build(Network(cell)), bundle, vocabulary=WORDS, rules="imdb")
            if not process_only:
                added[title] = measure_calls(bundle)
        print("processes", file=sys.stderr)
        process = measure_process(Path(folder) / "gru")
    result = {
        "format_version": 1,
        "what": "microseconds of p50 above the bare session's call, batch 1, 100 steps, one thread",
        "machine": describe_machine(),
        "overhead_us": added,
    }
    if process_only:
        result = json.loads((RESULTS / "overhead.json").read_text("utf-8"))
    result["process"] = process
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
    """Measure a process that imports, loads and predicts once, against one with bare onnxruntime, in turns.

    The ratio is the median of the pairs' own, of the processor's seconds: those of the clock also wait for whatever
    else the machine does, and are given beside.
    """
    programs = {
        "ours": OUR_PROCESS.format(bundle=str(bundle)),
        "bare": BARE_PROCESS.format(path=str(bundle / "model.onnx")),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    clock: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as compiled:
        # As installed packages are: compiled before.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(PROCESS_PAIRS + 1):
            order = list(programs) if number % 2 else list(reversed(programs))
            for name in order:
                before, started = _spent(), time.perf_counter()
                subprocess.run([sys.executable, "-c", programs[name]], check=True, capture_output=True, env=environment)
                if number:  # the first compiles, and fills the disk cache
                    clock[name].append(time.perf_counter() - started)
                    seconds[name].append(_spent() - before)
    pairs = np.array(seconds["ours"]) / seconds["bare"]
    return {
        "pairs": PROCESS_PAIRS,
        **{f"{name}_seconds": float(np.median(taken)) for name, taken in seconds.items()},
        "ratio": float(np.median(pairs)),
        "ratio_quartiles": [float(one) for one in np.percentile(pairs, (25, 75))],
        "clock_ratio": float(np.median(np.array(clock["ours"]) / clock["bare"])),
        "processor": describe_machine()["cpu"]["model"],
    }


def _spent() -> float:
    """Return the processor's seconds that child processes have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
