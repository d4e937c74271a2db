"""The README's tables, made from ``results/*.json``: ``python benchmarks/tables/fill.py [--check]``.

Each table stands between ``<!-- table NAME -->`` and ``<!-- end -->``. With ``--check`` nothing is written,
and the exit code is 1 where a table differs from its JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.tables.parts import ROOT, describe_machine, markdown, read
from benchmarks.tables.peers import PEERS_TABLES
from benchmarks.tables.scale import SCALE_TABLES
from benchmarks.tables.service import SERVICE_TABLES
from benchmarks.tables.wheels import WHEELS_TABLES

BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write the tables into README.md, or check them."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    filled = fill(text)
    if "--check" in sys.argv[1:]:
        return int(filled != text)
    readme.write_text(filled, encoding="utf-8")
    return 0


def fill(text: str) -> str:
    """The text with every table made anew from its results."""
    return fill_blocks(text, TABLES)


def fill_blocks(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The text with these blocks made anew; those of other names stay as they are."""

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}{tables[match[2]]()}\n{match[3]}" if match[2] in tables else match[0]

    return BLOCK.sub(filled, text)


def overhead() -> str:
    """What the runtime adds to the bare session."""
    result = read("overhead")
    added = result["overhead_us"]
    rows = [
        ["`model.run(array)`", *(f"{added[cell]['run']:.0f} µs" for cell in added)],
        ["`model.predict(text)`, 100 words", *(f"{added[cell]['predict_text']:.0f} µs" for cell in added)],
    ]
    process = result["process"]
    return (
        markdown(["above the bare ONNX Runtime call", *added], rows)
        + f"\n\nA process that imports, loads and predicts once takes {process['ours_seconds']:.2f} s, "
        + f"{process['ratio']:.2f}× one with bare onnxruntime ({process['bare_seconds']:.2f} s)."
    )


def cells() -> str:
    """The three architectures, from the demo's run."""
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
    """Accuracy on the full IMDB reviews."""
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


def networks() -> str:
    """Bidirectional and large networks against Keras's ONNX export."""
    result = read("compare_networks")
    rows = [
        [
            row["network"].replace(" x ", " × ") + (", masked" if row["masked"] else ""),
            row["cell"],
            f"{row['steps']:,}",
            ", ".join(f"{name} {count}" for name, count in row["ours_recurrent"].items()),
            f"{row['ours_p50_us']:,.0f} µs",
            f"{row['peer_p50_us']:,.0f} µs",
            f"**{row['speedup']:.1f}×**" if row["speedup"] >= 2 else f"**{row['speedup']:.2f}×**",
            f"{row['export_seconds']:.1f} s",
        ]
        for row in result["rows"]
    ]
    header = ["network", "cell", "steps", "nodes", "deeprnn-edge", "Keras export", "faster", "export and check"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def random() -> str:
    """The random architectures."""
    result = read("random_architectures")
    rows = [
        [
            {"onnx": "ONNX", "tflite": "TFLite"}[kind],
            *(f"{counts[name]:,}" for name in ("exact", "refused", "wrong", "error")),
            f"{counts['exact_without_loops'] / result['count']:.0%}",
            f"{counts['largest_difference']:.1e}",
        ]
        for kind, counts in result["formats"].items()
    ]
    header = ["format", "exact", "refused", "silently wrong", "error", "exact without a loop", "largest difference"]
    return markdown(header, rows) + f"\n\n{result['count']:,} architectures, seed {result['seed']}."


def broad() -> str:
    """The conformance suite's models by every route."""
    result = read("broad_set")
    rows = []
    for route, outcomes in result["routes"].items():
        right, looped = outcomes.get("right", 0), outcomes.get("right, with a Loop", 0)
        others = sorted(
            ((count, outcome) for outcome, count in outcomes.items() if not outcome.startswith("right")), reverse=True
        )
        plain = f"{right} ({right / result['count']:.0%})" if route.endswith("ONNX") else "–"
        rest = ", ".join(f"{count} {outcome}" for count, outcome in others) or "none"
        rows.append([route, f"{right + looped} ({(right + looped) / result['count']:.0%})", plain, rest])
    header = [f"of {result['count']} models", "right", "right, and without a Loop", "the others"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def precisions() -> str:
    """Every precision of the three networks on real data, and the large LSTM."""
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
    """What the weights take in memory, the mean of the networks."""
    added: dict[str, list[float]] = {}
    for row in rows:
        if row["weights_memory_bytes"] is not None:
            added.setdefault(row["precision"], []).append(row["weights_memory_bytes"])
    sizes = ", ".join(f"{name} {sum(taken) / len(taken) / 1e6:.2f} MB" for name, taken in added.items())
    return f"The table's part of the memory that loading an ONNX file takes, mean of the networks: {sizes}."


def large() -> str:
    """Three LSTM layers of 256 units without an embedding."""
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


def streaming() -> str:
    """One step of a stream, beside the bare call and beside a window run again; drift, memory, and the gate."""
    result = read("streaming")
    rows = [
        [
            f"{row['architecture']}{', masked' if row['masked'] else ''}",
            {"onnx": "ONNX", "tflite": "TFLite"}[row["format"]],
            f"{row['push_us']:.1f} µs",
            f"{row['above_bare_us']:+.1f} µs",
            f"{row['window_us']:.0f} µs",
            f"**{row['of_window']:.2f}×**",
            f"{row['drift']:.0e}" if row["drift"] else "0",
        ]
        for row in result["steps"]
    ]
    memory = list(result["memory"].values())
    count = memory[0]["streams"]["count"]
    beyond = [one["streams"]["added_bytes_each"] - one["streams"]["state_bytes"] for one in memory]
    grown = max(one["pushes"]["grown_bytes"] for one in memory)
    pushes = memory[0]["pushes"]
    depths = sorted({row["depth"] for row in result["parity"]})
    names = {row["cell"]: row["architecture"] for row in result["steps"]}
    worst = [
        f"{name} {max(row[kind]['max_abs_diff'] for row in result['parity'] if row['cell'] == cell):.0e} in {title}"
        for cell, name in names.items()
        for kind, title in (("onnx", "ONNX"), ("tflite", "TFLite"))
    ]
    return (
        markdown(["network", "format", "push", "above bare", "100 steps", "of 100 steps", "drift"], rows)
        + f"\n\nFrom {pushes['few']:,} to {pushes['many']:,} pushes the process grows by at most {grown / 1e6:.2f} MB; "
        + f"each of {count:,} open streams takes {min(beyond):,.0f} to {max(beyond):,.0f} bytes "
        + f"beyond its state. Stacks of {depths[0]} to {depths[-1]} layers of 16 units as Keras initialises "
        + f"them, masked or not, differ from Keras over the gate's grid by at most: {', '.join(worst)}. "
        + describe_machine(result)
    )


TABLES: dict[str, Callable[[], str]] = {
    "networks": networks,
    "overhead": overhead,
    "cells": cells,
    "imdb": imdb,
    "random": random,
    "broad": broad,
    "precisions": precisions,
    "large": large,
    "streaming": streaming,
    **PEERS_TABLES,
    **SCALE_TABLES,
    **SERVICE_TABLES,
    **WHEELS_TABLES,
}


if __name__ == "__main__":
    sys.exit(main())
