"""Damage model files, give each its right hash, and verify it: does a file ever end the process that asked?

    python benchmarks/endurance/fuzz_runtimes.py --count 2000 --seed 0

Each of COUNT inputs of each format is a fixture's file with bits, offsets and sizes changed, in a bundle whose manifest
states its size and hash, so that the runtime's own parser is what meets it. ``deeprnn_edge.verify`` runs it in a
process of its own. It may answer, right or wrong, or raise an error of ``deeprnn_edge.errors``; that process may die.
Writes ``results/fuzz_runtimes.json`` after every hundredth input, and exits with 1 where anything else came.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import click

import deeprnn_edge
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.files.guard.parent import SECONDS_VARIABLE
from tests.support.damaged_bundle import put_artifact
from tests.support.mutations import mutate_model
from tests.support.paths import FIXTURES

OUTPUT = RESULTS / "fuzz_runtimes.json"
BUNDLE = FIXTURES / "bundle"
FILES = ("model.tflite", "model.onnx")
SECONDS = 10  # of silence: an honest file answers within one, and every hang costs so much here
MOST_KEPT = 20  # failures that are written down


@click.command()
@click.option("--count", default=2_000, show_default=True, help="Inputs of each format.")
@click.option("--seed", default=0, show_default=True, help="Of the damage.")
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), help="The result's file.")
def main(count: int, seed: int, output: Path) -> None:
    """Verify damaged files of each format, and write what came of them."""
    os.environ.setdefault(SECONDS_VARIABLE, str(SECONDS))
    result: dict[str, Any] = {
        "format_version": 1,
        "what": "damaged model files with right hashes: what verify, in a process of its own, made of them",
        "machine": describe_machine(),
        "seed": seed,
        "seconds_of_silence": float(os.environ[SECONDS_VARIABLE]),
        "files": {name: {"inputs": 0, "outcomes": {}, "failures": []} for name in FILES},
    }
    for number in range(count):
        for name, found in result["files"].items():
            add(found, name, seed, number)
        if (number + 1) % 100 == 0 or number + 1 == count:
            write_output(output, json.dumps(result, indent=2) + "\n")
            click.echo(json.dumps({name: one["outcomes"] for name, one in result["files"].items()}), err=True)
    sys.exit(any(one["failures"] for one in result["files"].values()))


def add(found: dict[str, Any], name: str, seed: int, number: int) -> None:
    """Verify one input, and count its outcome."""
    outcomes: Counter[str] = Counter(found["outcomes"])
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        bundle = shutil.copytree(BUNDLE, Path(folder) / "bundle")
        content = mutate_model(Random(f"{name} {seed} {number}"), (BUNDLE / name).read_bytes())
        put_artifact(bundle, name, content)
        try:
            (answered,) = deeprnn_edge.verify(bundle, artifact=name)
            outcomes["right answers" if answered.passed else "other answers"] += 1
        except DeepRNNEdgeError as error:
            outcomes[kind_of(str(error))] += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            outcomes["failure"] += 1
            if len(found["failures"]) < MOST_KEPT:
                found["failures"].append({"number": number, "error": f"{type(error).__name__}: {str(error)[:500]}"})
    found["inputs"] += 1
    found["outcomes"] = dict(outcomes.most_common())
    found["slowest_seconds"] = round(max(found.get("slowest_seconds", 0.0), time.perf_counter() - started), 1)


def kind_of(message: str) -> str:
    """Tell what an error says: refused by name, or what the process died of."""
    if died := re.search(r"ended the process that ran it \((\w+)\)", message):
        return f"the process died: {died[1]}"
    if "did not answer within" in message:
        return "the process was ended for its silence"
    return "the process gave no answer" if "and no answer" in message else "refused by name"


if __name__ == "__main__":
    main()
