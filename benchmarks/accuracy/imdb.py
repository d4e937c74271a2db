"""Measure accuracy on the full IMDB reviews: ``python benchmarks/accuracy/imdb.py [DATA VOCABULARY]``.

Trains the three default networks with ``deeprnn-edge train`` and its defaults, at most 5 epochs, the best
epoch kept by validation accuracy. DATA is ``imdb`` (downloaded by Keras) or an ``.npz`` in the same layout,
VOCABULARY its word index. Writes ``results/imdb.json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_export.reading.training_record import read_record

CELLS = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}


def main(data: str = "imdb", vocabulary: str | None = None) -> None:
    """Train, collect, write."""
    rows, baseline = [], None
    with tempfile.TemporaryDirectory() as folder:
        for cell, architecture in CELLS.items():
            model = Path(folder) / f"{cell}.keras"
            words = ["--cell", cell, "--data", data, *(["--vocabulary", vocabulary] if vocabulary else [])]
            subprocess.run([sys.executable, "-m", "deeprnn_edge", "train", *words, "-o", str(model)], check=True)
            record = read_record(model)
            if record is None:
                raise SystemExit(f"training left no record beside {model}")
            baseline = record.baseline_accuracy
            rows.append(
                {
                    "architecture": architecture,
                    "test_accuracy": record.test_accuracy,
                    "best_epoch": record.best_epoch,
                    "epochs": len(record.history),
                    "seconds": sum(epoch.seconds for epoch in record.history),
                    "val_accuracy": record.history[record.best_epoch - 1].val_accuracy,
                    "seed": record.options.seed,
                }
            )
    result = {"format_version": 1, "baseline_accuracy": baseline, "rows": rows, "machine": describe_machine()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "imdb.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
