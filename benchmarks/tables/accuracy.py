"""Make the tables of accuracy: the three cells, the full reviews, and what fewer bits cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.tables.parts import describe_machine, markdown, read


def cells() -> str:
    """Tabulate the three architectures, from the demo's run."""
    result = read("demo")
    rows = [
        [
            row["architecture"],
            row["layers"],
            f"{row['parameters']:,}",
            f"{row['recurrent_parameters']:,}",
            f"{row['accuracy']:.1%}",
            *(
                f"{row[kind]['size_bytes'] / 1e6:.2f} MB, {row[kind]['p50_us']:.0f} µs"
                for kind in ("keras", "onnx", "tflite")
            ),
        ]
        for row in result["rows"]
    ]
    header = ["", "layers", "parameters", "without the table", "accuracy", "Keras", "ONNX", "TFLite"]
    return (
        markdown(header, rows)
        + f"\n\nAccuracy on the {result['test_rows']:,} test sentences of `reviews`; naive Bayes, a bag of words, "
        + f"gets {result['baseline_accuracy']:.1%} on the same split. Size of the file, p50 latency of 100 words. "
        + f"The demo took {result['seconds']:.0f} s. "
        + describe_machine(result)
    )


def imdb() -> str:
    """Tabulate accuracy on the full IMDB reviews."""
    result = read("imdb")
    rows = [
        [
            row["architecture"],
            f"{row['test_accuracy']:.2%}",
            str(row["best_epoch"]),
            f"{row['epochs']}",
            f"{row['seconds']:.0f} s",
        ]
        for row in result["rows"]
    ]
    return (
        markdown(["", "test accuracy", "best epoch", "epochs", "training"], rows)
        + f"\n\nNaive Bayes on the same split: {result['baseline_accuracy']:.1%}."
    )


def precisions() -> str:
    """Tabulate every precision of the three networks on real data, and the large LSTM."""
    result = read("precisions")
    rows = [
        [
            row["architecture"],
            {"onnx": "ONNX", "tflite": "TFLite"}[row["format"]],
            row["precision"],
            f"{row['size_bytes'] / 1e3:.0f} kB",
            f"{row['size_ratio']:.3f}×",
            f"{row['p50_us']:.0f} µs",
            f"{row['latency_ratio']:.2f}×",
            f"{row['accuracy']:.2%}",
            f"{round(row['accuracy_change_points'], 2) + 0.0:+.2f}",
            f"{row['label_flips']:,}",
        ]
        for row in result["rows"]
    ]
    header = ["network", "format", "precision", "size", "of fp32", "p50", "of fp32", "accuracy", "points", "flips"]
    return markdown(header, rows) + f"\n\n{_memory(result['rows'])} {describe_machine(result)}"


def _memory(rows: list[dict[str, Any]]) -> str:
    """Return what the weights take in memory, the mean of the networks."""
    added: dict[str, list[float]] = {}
    for row in rows:
        if row["weights_memory_bytes"] is not None:
            added.setdefault(row["precision"], []).append(row["weights_memory_bytes"])
    sizes = ", ".join(f"{name} {sum(taken) / len(taken) / 1e6:.2f} MB" for name, taken in added.items())
    return f"The table's part of the memory that loading an ONNX file takes, mean of the networks: {sizes}."


def large() -> str:
    """Tabulate three LSTM layers of 256 units without an embedding."""
    rows = [
        [
            row["precision"],
            f"{row['size_bytes'] / 1e6:.2f} MB",
            f"{row['size_ratio']:.3f}×",
            f"{row['p50_us']:,.0f} µs",
            f"{row['latency_ratio']:.2f}×",
            f"{row['grid_max_abs_diff']:.0e}",
        ]
        for row in read("precisions")["large"]
    ]
    return markdown(["ONNX precision", "size", "of fp32", "p50", "of fp32", "largest difference"], rows)


ACCURACY_TABLES: dict[str, Callable[[], str]] = {"cells": cells, "imdb": imdb, "precisions": precisions, "large": large}
