"""Measure what each precision costs: ``python benchmarks/accuracy/precisions.py [DATA VOCABULARY [MODELS]]``.

Trains the three default networks with ``deeprnn-edge train`` and its defaults, exports each in every precision of
both formats, and measures every file: its size, its accuracy on DATA's test rows against Keras's, its p50 latency
(batch 1, one thread, all files of a network alternating in one run), and what it adds to a fresh process's
memory. DATA is ``imdb`` (downloaded by Keras) or an ``.npz`` in the same layout, VOCABULARY its word index;
MODELS is a folder for the trained networks, which a further run finds there.

Of the memory, the weights' part is what a file takes above the same file with ten words left, in the median of
several processes. Beside them, three LSTM layers of 256 units without an embedding. Writes
``results/precisions.json`` and ``results/precisions.png``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.cold_start import probe_artifact
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_export import export
from deeprnn_export.datasets.catalogue import load_dataset
from deeprnn_export.targets import TARGETS

CELLS = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
SECONDS = 3.0
PROCESSES = 7
FEWEST_WORDS = 10


def main(data: str = "imdb", vocabulary: str | None = None, models: str | None = None) -> None:
    """Train, export, measure, write."""
    dataset = load_dataset(data, vocabulary=vocabulary)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for cell, architecture in CELLS.items():
            model = Path(models or folder) / f"{cell}.keras"
            if not model.exists():
                words = ["--cell", cell, "--data", data, *(["--vocabulary", vocabulary] if vocabulary else [])]
                subprocess.run([sys.executable, "-m", "deeprnn_edge", "train", *words, "-o", str(model)], check=True)
            rows += _measure_cell(model, architecture, dataset, folder)
        large = _measure_large(folder)
    result = {
        "format_version": 1,
        "test_rows": len(dataset.x_test),
        "rows": rows,
        "large": large,
        "machine": describe_machine(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "precisions.json").write_text(json.dumps(result, indent=2) + "\n")
    draw(rows, RESULTS / "precisions.png")


def _measure_cell(model: Path, architecture: str, dataset: Any, folder: Path) -> list[dict[str, Any]]:
    cell = model.stem
    every = dict.fromkeys(name for target in TARGETS.values() for name in target.precisions)
    wanted = [name for name in every if name != "int8-dynamic" or cell == "lstm"]
    bundle, bare = folder / cell, folder / f"{cell}_bare"
    manifest = export(model, bundle, precisions=wanted, calibration=dataset, evaluate=dataset, progress=_say)
    export(model, bare, formats=["onnx"], precisions=["fp32", "int8", "int4"], keep_words=FEWEST_WORDS, progress=_say)
    timings = _latencies(bundle)
    memory = _weights_memory(bundle, bare)
    whole = {artifact.format: artifact.size_bytes for artifact in manifest.artifacts if artifact.is_exact}
    rows = []
    for artifact in manifest.artifacts:
        evaluation = artifact.evaluation
        if evaluation is None:
            raise SystemExit(f"{artifact.path} was not evaluated")
        rows.append(
            {
                "architecture": architecture,
                "format": artifact.format,
                "precision": artifact.precision,
                "size_bytes": artifact.size_bytes,
                "size_ratio": artifact.size_bytes / whole[artifact.format],
                "p50_us": timings[artifact.path],
                "latency_ratio": timings[artifact.path] / timings[f"model.{artifact.format}"],
                "accuracy": evaluation.accuracy,
                "keras_accuracy": evaluation.keras_accuracy,
                "accuracy_change_points": evaluation.accuracy_change_points,
                "label_flips": evaluation.label_flips,
                "mean_abs_diff": evaluation.mean_abs_diff,
                "max_abs_diff": evaluation.max_abs_diff,
                "grid_max_abs_diff": artifact.parity.max_abs_diff,
                "allowed": artifact.parity.atol,
                "weights_memory_bytes": memory.get(artifact.path),
            }
        )
    return rows


def _latencies(bundle: Path) -> dict[str, float]:
    """Measure p50 in microseconds by artifact, all in one run; the answers are checked first."""
    report = bench(bundle, seconds=SECONDS, probes=False, progress=_say)
    wrong = [f"{row.name}: {row.problem}" for row in report.rows if row.timing is None]
    if wrong:
        raise SystemExit("; ".join(wrong))
    return {row.name: row.timing.p50_ms * 1e3 for row in report.rows if row.timing}


def _weights_memory(bundle: Path, bare: Path) -> dict[str, float]:
    """Measure what the table adds to a process's memory, in bytes, by artifact: processes of both sides alternate."""
    shape = (1, open_bundle(bundle).manifest.preprocessing.max_length or 100)
    feeds = {spec.name: np.full(shape, 2, spec.dtype) for spec in open_bundle(bundle).manifest.inputs}
    paths = [artifact.path for artifact in open_bundle(bare).manifest.artifacts]
    samples: dict[tuple[Path, str], list[float]] = {(place, path): [] for place in (bundle, bare) for path in paths}
    for _ in range(PROCESSES):
        for (place, path), taken in samples.items():
            added = probe_artifact(place, path, feeds).resident_added_bytes
            if added is None:
                return {}
            taken.append(added)
    return {path: median(samples[bundle, path]) - median(samples[bare, path]) for path in paths}


def _measure_large(folder: Path) -> list[dict[str, Any]]:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((100, 32), name="features"),
            *(layers.LSTM(256, return_sequences=depth < 2) for depth in range(3)),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="large",
    )
    manifest = export(model, folder / "large", formats=["onnx"], precisions=["fp32", "fp16", "int8", "int8-dynamic"])
    timings = _latencies(folder / "large")
    first = manifest.artifacts[0]
    return [
        {
            "precision": artifact.precision,
            "size_bytes": artifact.size_bytes,
            "size_ratio": artifact.size_bytes / first.size_bytes,
            "p50_us": timings[artifact.path],
            "latency_ratio": timings[artifact.path] / timings[first.path],
            "grid_max_abs_diff": artifact.parity.max_abs_diff,
        }
        for artifact in manifest.artifacts
    ]


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw size against accuracy change, one point an artifact: small and harmless is top left."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    colours = dict(zip(CELLS.values(), ("#1f77b4", "#2ca02c", "#d62728"), strict=True))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    for axis, (kind, title) in zip(axes, (("onnx", "ONNX"), ("tflite", "TFLite")), strict=True):
        chosen = [row for row in rows if row["format"] == kind]
        markers = dict(zip(TARGETS[kind].precisions, "osD^v", strict=True))
        for row in chosen:
            axis.scatter(
                row["size_bytes"] / 1e6,
                row["accuracy_change_points"],
                color=colours[row["architecture"]],
                marker=markers[row["precision"]],
                s=60,
                alpha=0.8,
            )
        present = {row["precision"] for row in chosen}
        for precision, marker in markers.items():
            if precision in present:
                axis.scatter([], [], color="#444444", marker=marker, label=precision)
        axis.axhline(0, color="#999999", linewidth=0.8, zorder=0)
        axis.set_title(title)
        axis.set_xlabel("size of the file, MB")
        axis.set_xlim(0)
        axis.legend(title="precision", loc="lower right", fontsize=8)
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("accuracy against Keras, percentage points")
    figure.legend(
        handles=[
            plt.Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in colours.items()
        ],
        loc="outside upper center",
        ncols=3,
        frameon=False,
    )
    figure.savefig(path, dpi=110)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
