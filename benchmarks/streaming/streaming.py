"""Measure what streaming costs and how exact it is: ``python benchmarks/streaming/streaming.py``.

The seed models (embedding of 10,000 x 32, cells of 32 and 16 units), plain and with ``mask_zero``, ONNX and
TFLite, batch 1, one thread: one pushed step beside the bare runtime's call on the same feeds, and beside the
sequence model run again on the last 100 steps, all alternating in one run. Then the difference after 100,000
single steps to the same sequence in chunks of 1,000; memory after a million pushes and of a thousand streams,
in fresh processes; and how far the stream of every stack of 1 to 10 layers is from Keras, over the parity grid.
Writes ``results/streaming.json`` and ``results/streaming.png``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

import deeprnn_edge
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_export import build_network, export

CELLS = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
WINDOW = 100
RUNS = 5_000
LONG, CHUNK = 100_000, 1_000
DEPTHS = (1, 3, 10)
GRID_STEPS = 20
MEASURED_ATOL = 1e-3
FORMATS = ("onnx", "tflite")


def main() -> None:
    """Export, measure, write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parity = [_parity(cell, depth, mask, folder) for cell in CELLS for depth in DEPTHS for mask in (False, True)]
        rows = [_measure_seed(cell, mask, folder) for cell in CELLS for mask in (False, True)]
        memory = {cell: _memory(folder / f"{cell}_False") for cell in CELLS}
    result = {
        "format_version": 1,
        "window": WINDOW,
        "steps": [row for pair in rows for row in pair],
        "memory": memory,
        "parity": parity,
        "machine": describe_machine(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "streaming.json").write_text(json.dumps(result, indent=2) + "\n")
    draw(result["steps"], RESULTS / "streaming.png")


def _measure_seed(cell: str, mask: bool, folder: Path) -> list[dict[str, Any]]:
    keras.utils.set_random_seed(0)
    model = build_network(cell=cell, mask=mask)
    bundle = folder / f"{cell}_{mask}"
    export(model, bundle, max_length=WINDOW, stream=True, progress=_say)
    return [_measure_file(cell, mask, kind, bundle) for kind in FORMATS]


def _measure_file(cell: str, mask: bool, kind: str, bundle: Path) -> dict[str, Any]:
    model = deeprnn_edge.load(bundle, artifact=f"model.{kind}")
    ids = np.random.default_rng(0).integers(4, 10_000, (1, WINDOW), dtype=np.int32)
    step = np.ascontiguousarray(ids[:, :1])
    stream = model.stream()
    stream.push(ids)
    bare = {"onnx": _bare_onnx, "tflite": _bare_tflite}[kind](bundle / f"stream.{kind}", step)
    _say(f"timing {cell}, {'masked' if mask else 'plain'}, {kind}")
    timings = time_alternating(
        {"push": lambda: stream.push(step), "bare": bare, "window": lambda: model.run(ids)}, rows=1, runs=RUNS
    )
    us = {name: timing.p50_ms * 1e3 for name, timing in timings.items()}
    return {
        "cell": cell,
        "architecture": CELLS[cell],
        "masked": mask,
        "format": kind,
        "push_us": us["push"],
        "bare_us": us["bare"],
        "above_bare_us": us["push"] - us["bare"],
        "window_us": us["window"],
        "of_window": us["push"] / us["window"],
        "drift": _drift(model),
    }


def _bare_onnx(path: Path, step: Any) -> Callable[[], Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    feeds = {one.name: np.zeros((1, *one.shape[1:]), np.float32) for one in session.get_inputs()[1:]}
    feeds[session.get_inputs()[0].name] = step
    return lambda: session.run(None, feeds)


def _bare_tflite(path: Path, step: Any) -> Callable[[], Any]:
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    feeds = {
        detail["index"]: np.zeros(detail["shape"], detail["dtype"]) if name.startswith("state_") else step
        for name, detail in runner.get_input_details().items()
    }
    outputs = [detail["index"] for detail in runner.get_output_details().values()]

    def call() -> list[Any]:
        for index, value in feeds.items():
            interpreter.set_tensor(index, value)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return call


def _drift(model: deeprnn_edge.Model) -> float:
    """Return how far answers and states of 100,000 single steps are from chunks of 1,000, at every thousandth."""
    ids = np.random.default_rng(2).integers(4, 10_000, (1, LONG), dtype=np.int32)
    single, chunked = model.stream(), model.stream()
    worst = 0.0
    for start in range(0, LONG, CHUNK):
        for step in range(start, start + CHUNK):
            one = single.push(ids[:, step : step + 1])
        other = chunked.push(ids[:, start : start + CHUNK])
        pairs = [(one, other), *zip(single.state.values(), chunked.state.values(), strict=True)]
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in pairs))
    return worst


def _memory(bundle: Path) -> dict[str, Any]:
    _say(f"memory of {bundle.name}")
    command = [sys.executable, str(Path(__file__).with_name("memory.py")), str(bundle)]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def _parity(cell: str, depth: int, mask: bool, folder: Path) -> dict[str, Any]:
    _say(f"parity of {depth} x {cell}, {'masked' if mask else 'plain'}")
    keras.utils.set_random_seed(depth)
    kind = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(1_000, 16, mask_zero=mask),
            *(kind(16, return_sequences=layer < depth - 1) for layer in range(depth)),
            # Without a sigmoid: what ten untrained layers say is so near to 0.5 that rounding decides a label.
            keras.layers.Dense(1),
        ]
    )
    # What the difference is, is measured here; whether it is allowed, an export asks.
    manifest = export(model, folder / "parity", max_length=GRID_STEPS, stream=True, atol=MEASURED_ATOL, force=True)
    return {
        "cell": cell,
        "depth": depth,
        "masked": mask,
        **{
            artifact.format: {"max_abs_diff": artifact.parity.max_abs_diff, "cases": artifact.parity.cases}
            for artifact in manifest.artifacts
            if artifact.kind == "stream"
        },
    }


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw one pushed step, and the last 100 run again for the same answer, as bars on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharex=True, layout="constrained")
    for axis, (kind, title) in zip(axes, (("onnx", "ONNX"), ("tflite", "TFLite")), strict=True):
        chosen = [row for row in rows if row["format"] == kind]
        for position, row in enumerate(chosen):
            bars = (
                (-0.2, row["window_us"], {"color": "white", "hatch": "///"}),
                (0.2, row["push_us"], {"color": "black"}),
            )
            for offset, value, look in bars:
                axis.barh(position + offset, value, 0.36, edgecolor="black", **look)
                axis.text(value * 1.08, position + offset, f"{value:.0f}", va="center", fontsize=8)
        names = [f"{row['architecture']}{', masked' if row['masked'] else ''}" for row in chosen]
        axis.set_yticks(range(len(chosen)), names)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set_xlim(5, 500)
        axis.set_xlabel("p50, µs")
        axis.set_title(f"{title}: one step (black), the last {WINDOW} again (hatched)", fontsize=9)
    figure.savefig(path, dpi=130)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
