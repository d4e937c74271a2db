"""The seed models against what one would use instead, in one run: ``make bench``.

For SimpleRNN, LSTM and GRU (embedding of 10,000 x 32, cells of 32 and 16 units, 100 steps), with and
without ``mask_zero``: this project's ONNX file against Keras's own ``model.export(format="onnx")``,
both in ONNX Runtime with the same session options; this project's TFLite file against the stock
converter with the batch fixed at 1, both in LiteRT. Then what the runtime adds to the bare session,
and what a process costs that imports, loads and predicts once.

Batch 1, one thread, ids of a full sequence. Contenders alternate in blocks, answers are compared with
Keras before anything is timed, and the ratio is that of the medians. Writes ``results/compare_exports.json``
and ``results/compare_exports.png``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.overhead import WORDS, measure_calls, measure_process
from deeprnn_edge.file_inspection import FileInspection
from deeprnn_edge.machine import describe_machine
from deeprnn_edge.onnx_file import inspect_onnx
from deeprnn_edge.sessions import open_session
from deeprnn_edge.tflite_file import inspect_tflite
from deeprnn_edge.timing import time_alternating
from deeprnn_export import build_network, export
from deeprnn_export.tflite_worker import convert

RESULTS = Path(__file__).parent / "results"
CELLS = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
RUNS = 2000


def main() -> None:
    """Measure everything, print it, write it."""
    rows, overheads, process = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for masked in (False, True):
            for cell in CELLS:
                print(f"{CELLS[cell]}{', masked' if masked else ''}", file=sys.stderr)
                model = randomised(build_network(cell, mask=masked))
                bundle = Path(folder) / f"{cell}-{masked}"
                export(model, bundle, vocabulary=WORDS)
                rows += [compare_onnx(model, bundle, cell, masked), compare_tflite(model, bundle, cell, masked)]
                if not masked:
                    overheads[CELLS[cell]] = measure_calls(bundle)
        process = measure_process(Path(folder) / "gru-False")
    result = {
        "format_version": 1,
        "what": "p50 latency of one call, batch 1, 100 steps, one thread",
        "runs": RUNS,
        "machine": describe_machine(),
        "rows": rows,
        "overhead_us": overheads,
        "process": process,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compare_exports.json").write_text(json.dumps(result, indent=2) + "\n")
    draw(rows, RESULTS / "compare_exports.png")
    print_rows(result)


def randomised(model: keras.Model) -> keras.Model:
    """Random weights: the arithmetic costs the same as a trained model's, and saturates nothing."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.3, weight.shape))
    return model


def compare_onnx(model: keras.Model, bundle: Path, cell: str, masked: bool) -> dict[str, Any]:
    """Ours against Keras's own export, in the same runtime with the same options."""
    peer = bundle.with_suffix(".keras.onnx")
    model.export(str(peer), format="onnx", verbose=False)
    contents = {"ours": (bundle / "model.onnx").read_bytes(), "peer": peer.read_bytes()}
    inspections = {name: inspect_onnx(content, name) for name, content in contents.items()}
    return compare(model, contents, inspections, "onnx", "Keras model.export", cell, masked)


def compare_tflite(model: keras.Model, bundle: Path, cell: str, masked: bool) -> dict[str, Any]:
    """Ours against the stock converter, given the same fixed shape."""

    @tf.function(input_signature=[tf.TensorSpec((1, 100), tf.int32, "tokens")], autograph=False)
    def forward(tokens: Any) -> dict[str, Any]:
        return {"probability": model(tokens, training=False)}

    saved_model = bundle.with_suffix(".saved_model")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", forward)
    archive.write_out(str(saved_model), verbose=False)
    contents = {"ours": (bundle / "model.tflite").read_bytes(), "peer": convert(str(saved_model))}
    inspections = {name: inspect_tflite(content, name) for name, content in contents.items()}
    return compare(model, contents, inspections, "tflite", "stock TFLiteConverter, batch 1", cell, masked)


def compare(
    model: keras.Model,
    contents: dict[str, bytes],
    inspections: dict[str, FileInspection],
    kind: str,
    peer: str,
    cell: str,
    masked: bool,
) -> dict[str, Any]:
    """Time two files of one format beside each other, once both answer as Keras does."""
    tokens = np.random.default_rng(1).integers(1, 10_000, (1, 100)).astype(np.int32)
    expected = np.asarray(model(tokens, training=False))
    calls, differences = {}, {}
    for name, content in contents.items():
        session = open_session(content, kind=kind, path=name)
        feeds = {inspections[name].inputs[0].name: tokens.astype(inspections[name].inputs[0].dtype)}
        (answer,) = session.run(feeds).values()
        differences[name] = float(np.abs(answer - expected).max())
        if not differences[name] <= 1e-5:
            raise SystemExit(f"{kind} {cell}: {name} differs from Keras by {differences[name]}")
        calls[name] = lambda session=session, feeds=feeds: session.run(feeds)
    timings = time_alternating(calls, rows=1, runs=RUNS)
    ours, theirs = inspections["ours"], inspections["peer"]
    return {
        "cell": CELLS[cell],
        "masked": masked,
        "format": kind,
        "peer": peer,
        "ours_p50_us": timings["ours"].p50_ms * 1e3,
        "peer_p50_us": timings["peer"].p50_ms * 1e3,
        "speedup": timings["peer"].p50_ms / timings["ours"].p50_ms,
        "ours_size_bytes": len(contents["ours"]),
        "peer_size_bytes": len(contents["peer"]),
        "size_ratio": len(contents["ours"]) / len(contents["peer"]),
        "ours_max_abs_diff": differences["ours"],
        "peer_max_abs_diff": differences["peer"],
        "ours_recurrent": dict(ours.recurrent),
        "ours_loops": dict(ours.loops),
        "ours_foreign": dict(ours.foreign),
        "peer_loops": dict(theirs.loops),
    }


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """The speed-ups as bars on a logarithmic axis, the numbers beside them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    labels = [f"{row['cell']}{', masked' if row['masked'] else ''}" for row in rows]
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharex=True, layout="constrained")
    for axis, kind in zip(axes, ("onnx", "tflite"), strict=True):
        chosen = [(label, row) for label, row in zip(labels, rows, strict=True) if row["format"] == kind]
        for position, (_, row) in enumerate(chosen):
            axis.barh(position - 0.2, row["peer_p50_us"], 0.36, color="white", edgecolor="black", hatch="///")
            axis.barh(position + 0.2, row["ours_p50_us"], 0.36, color="black")
            axis.text(row["ours_p50_us"] * 1.1, position + 0.2, f"{row['ours_p50_us']:.0f}", va="center", fontsize=8)
            axis.text(row["peer_p50_us"] * 1.1, position - 0.2, f"{row['peer_p50_us']:.0f}", va="center", fontsize=8)
        axis.set_yticks(range(len(chosen)), [label for label, _ in chosen])
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set_xlim(30, 8000)
        axis.set_xlabel("p50 latency of one call, µs")
        axis.set_title(
            f"{kind.upper() if kind == 'onnx' else 'TFLite'}: deeprnn-edge (black) and {chosen[0][1]['peer']}",
            fontsize=9,
        )
    figure.savefig(path, dpi=130)


def print_rows(result: dict[str, Any]) -> None:
    """The measurement as a table."""
    from deeprnn_edge.tables import format_table

    header = ["model", "format", "ours, us", "peer, us", "faster", "size ratio", "loops"]
    rows = [
        [
            f"{row['cell']}{', masked' if row['masked'] else ''}",
            row["format"],
            f"{row['ours_p50_us']:.1f}",
            f"{row['peer_p50_us']:.1f}",
            f"{row['speedup']:.2f}",
            f"{row['size_ratio']:.3f}",
            str(sum(row["ours_loops"].values())),
        ]
        for row in result["rows"]
    ]
    print(format_table(header, rows))
    print("above the bare session, us:", json.dumps(result["overhead_us"]))
    print("process:", json.dumps(result["process"]))


if __name__ == "__main__":
    main()
