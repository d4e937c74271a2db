"""Damage ONNX files, and hold two readers together: does ours accept what the ``onnx`` package reads otherwise?

    python benchmarks/endurance/fuzz_onnx.py --count 200000 --seed 0

What is accepted is opened in ONNX Runtime, while the kernel watches a file that must never be opened (Linux). Writes
``results/fuzz_onnx.json`` after every 10,000th input, and exits with 1 where the readers disagree or that file was
opened.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.files.atomic_write import write_output
from tests.support.onnx_fuzz import fuzz

OUTPUT = RESULTS / "fuzz_onnx.json"
PART = 10_000


@click.command()
@click.option("--count", default=200_000, show_default=True, help="Inputs.")
@click.option("--seed", default=0, show_default=True, help="Of the first 10,000; the next ones have the next seed.")
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), help="The result's file.")
def main(count: int, seed: int, output: Path) -> None:
    """Fuzz both readers, and write what came of it."""
    result: dict[str, Any] = {
        "format_version": 1,
        "what": "damaged ONNX files: the strict reader beside the onnx package and ONNX Runtime",
        "machine": describe_machine(),
        "seed": seed,
        "inputs": 0,
        "accepted": 0,
        "loaded": 0,
        "disagreements": 0,
        "foreign_files_opened": 0,
        "slowest_ms": 0.0,
        "seconds": 0.0,
    }
    started = time.perf_counter()
    for part, first in enumerate(range(0, count, PART)):
        seen = fuzz(min(PART, count - first), seed=seed + part)
        result["inputs"] += seen.inputs
        result["accepted"] += seen.accepted
        result["loaded"] += seen.loaded
        result["disagreements"] += len(seen.disagreements)
        result["foreign_files_opened"] += len(seen.opened)
        result["slowest_ms"] = max(result["slowest_ms"], round(seen.slowest_seconds * 1e3, 1))
        result["seconds"] = round(time.perf_counter() - started, 1)
        write_output(output, json.dumps(result, indent=2) + "\n")
        click.echo(f"{result['inputs']:,} of {count:,}: {result['accepted']:,} accepted", err=True)
    sys.exit(bool(result["disagreements"] or result["foreign_files_opened"]))


if __name__ == "__main__":
    main()
