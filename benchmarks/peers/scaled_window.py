"""Measure what a scaler on the device adds to bare ONNX Runtime: ``python benchmarks/peers/scaled_window.py``.

A window of 128 steps of 9 channels, as of a phone's sensors, for a GRU of 32 units: the microseconds that ``predict``
of the raw window in float64 takes above the bare session's call on the scaled one, alternating in one run, and the
same without a scaler. Writes ``results/scaled_window.json``.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime

import deeprnn_edge
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_export import export

STEPS, CHANNELS, UNITS = 128, 9, 32
RUNS = 5_000


def main() -> None:
    """Measure and write."""
    keras.utils.set_random_seed(0)
    given = keras.Input((STEPS, CHANNELS), name="x")
    out = keras.layers.Dense(6, activation="softmax", name="p")(keras.layers.GRU(UNITS, name="gru")(given))
    model = keras.Model(given, out, name="activity")
    random = np.random.default_rng(0)
    mean, scale = random.normal(size=CHANNELS), random.uniform(0.5, 2, CHANNELS)
    raw = random.normal(size=(STEPS, CHANNELS)) * scale + mean
    scaled = ((raw - mean) / scale).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        plain, with_scaler = Path(folder) / "plain", Path(folder) / "scaled"
        export(model, plain, formats=["onnx"])
        export(model, with_scaler, formats=["onnx"], scaler={"mean": mean, "scale": scale})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = str(plain / "model.onnx")
        bare = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feeds = {"x": scaled[None]}
        unscaled, loaded = deeprnn_edge.load(plain), deeprnn_edge.load(with_scaler)
        if np.abs(loaded.predict(raw) - bare.run(None, feeds)[0]).max() > 1e-6:
            raise SystemExit("the scaled answers differ: nothing is timed")
        calls = {
            "bare": lambda: bare.run(None, feeds),
            "predict": lambda: unscaled.predict(scaled),
            "predict_scaled": lambda: loaded.predict(raw),
        }
        timings = time_alternating(calls, rows=1, runs=RUNS)
    added = {name: (timings[name].p50_ms - timings["bare"].p50_ms) * 1e3 for name in ("predict", "predict_scaled")}
    result = {
        "format_version": 1,
        "what": f"microseconds of p50 above the bare session's call, a window of {STEPS} x {CHANNELS}, one thread",
        "machine": describe_machine(),
        "bare_us": timings["bare"].p50_ms * 1e3,
        "added_us": added,
    }
    write_output(RESULTS / "scaled_window.json", json.dumps(result, indent=2) + "\n")
    print(json.dumps({"bare_us": result["bare_us"], "added_us": added}, indent=1))


if __name__ == "__main__":
    main()
