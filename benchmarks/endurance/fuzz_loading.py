"""Fuzz the readers with damaged and made-up files: does any get past their checks, or take long?

    python benchmarks/endurance/fuzz_loading.py --count 100000 --seed 0

Gives each reader (manifest, zip, golden vectors, vocabulary and benchmark of the device; HDF5, npz and word lists of
the workshop) COUNT inputs, made from real files by the mutators of ``tests/support/mutations.py``. A reader may answer,
or raise one of the errors of ``deeprnn_edge.errors``; it may open nothing outside of its folder. Beside them it reads
the largest input of several kinds that the limits let through.

Writes ``results/fuzz_loading.json`` after each thousand, with the number of each input that broke this, and how many
took more than 2 s of processor time; exits with 1 where there is one. A process of its own reads a thousand inputs, so
that the end of it is counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import click

from benchmarks.endurance.largest import largest_inputs
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.files.atomic_write import write_output
from tests.support.fuzz_targets import Target, outcome, targets
from tests.support.fuzz_workshop import workshop_targets

OUTPUT = RESULTS / "fuzz_loading.json"
MOST_KEPT = 20  # failures of a reader that are written down
MOST_SECONDS = 2.0
PART = 1_000
_HANGS_SECONDS = 600.0  # for a part


@click.command()
@click.option("--count", default=100_000, show_default=True, help="Inputs of each reader.")
@click.option("--seed", default=0, show_default=True, help="Of the damage.")
@click.option("--reader", "names", multiple=True, help="One reader; repeatable. The others stay as the file has them.")
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), help="The result's file.")
def main(count: int, seed: int, names: tuple[str, ...], output: Path) -> None:
    """Fuzz each reader, and write."""
    result: dict[str, Any] = {
        "format_version": 2,
        "what": "damaged and made-up files: what each reader made of them",
        "machine": describe_machine(),
        "seed": seed,
        "most_seconds": MOST_SECONDS,
        "readers": json.loads(output.read_text(encoding="utf-8"))["readers"] if names and output.exists() else {},
        "largest": largest_inputs(),
    }
    for name, target in all_targets().items():
        if not names or name in names:
            for so_far in fuzz(name, target, count, seed):
                result["readers"][name] = so_far
                write_output(output, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    slow = [one for one in result["largest"].values() if one["cpu_seconds"] > MOST_SECONDS]
    sys.exit(bool(slow or any(one["failures"] or one["slow"] for one in result["readers"].values())))


def all_targets() -> dict[str, Target]:
    """Return the readers of the device and those of the workshop, by name."""
    return {**targets(), **workshop_targets()}


def fuzz(name: str, target: Target, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield outcomes by name, the slowest input, and what went wrong by the input's number, after every thousandth."""
    total: dict[str, Any] = {"inputs": 0, "outcomes": {}, "slowest_ms": 0.0, "slow": 0, "seconds": 0.0, "failures": []}
    started = time.perf_counter()
    for first in range(0, count, PART):
        part = _in_a_process(name, target, seed, range(first, min(first + PART, count)))
        total["inputs"] += part["inputs"]
        total["outcomes"] = dict(Counter(total["outcomes"]) + Counter(part["outcomes"]))
        total["slowest_ms"] = max(total["slowest_ms"], part["slowest_ms"])
        total["slow"] += part["slow"]
        total["failures"] = (total["failures"] + part["failures"])[:MOST_KEPT]
        if total["inputs"] % 10_000 == 0:
            click.echo(f"{name}: {total['inputs']:,} of {count:,}, {total['outcomes']}", err=True)
        total["seconds"] = round(time.perf_counter() - started, 1)
        yield total


def _in_a_process(name: str, target: Target, seed: int, numbers: range) -> dict[str, Any]:
    """Read inputs in a process of its own; where it dies, all that it read are one failure."""
    context = get_context("fork")  # with the targets as they are; a target is no file that could be sent
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: (sender.send(_read(name, target, seed, numbers)), os._exit(0)))
    process.start()
    sender.close()
    try:
        part: dict[str, Any] = receiver.recv() if receiver.poll(_HANGS_SECONDS) else {}
    except EOFError:
        part = {}
    process.kill()
    process.join()
    if part:
        return part
    error = f"the process that read the inputs {numbers.start} to {numbers.stop - 1} died or hung"
    failure = {"number": numbers.start, "error": error}
    return {
        "inputs": len(numbers),
        "outcomes": {"failure": len(numbers)},
        "slowest_ms": 0.0,
        "slow": 0,
        "failures": [failure],
    }


def _read(name: str, target: Target, seed: int, numbers: range) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    slowest, slow = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            content = target.draw(Random(f"{name} {seed} {number}"))
            # Of the processor, as the machine may be busy with others.
            before = time.process_time()
            try:
                said = outcome(target, content, Path(folder))
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                said = "failure"
                failures.append({"number": number, "error": f"{type(error).__name__}: {str(error)[:500]}"})
            taken = time.process_time() - before
            slowest, slow = max(slowest, taken), slow + (taken > MOST_SECONDS)
            outcomes[said] += 1
    return {
        "inputs": len(numbers),
        "outcomes": dict(outcomes),
        "slowest_ms": round(slowest * 1e3, 1),
        "slow": slow,
        "failures": failures[:MOST_KEPT],
    }


if __name__ == "__main__":
    main()
