"""Fuzz the readers with damaged and made-up bundles: does any get past their checks?

    python benchmarks/endurance/fuzz_loading.py [COUNT] [SEED]

Gives each of the three readers (manifest, zip, golden vectors) COUNT inputs, by default 100,000, made from the
fixtures by the mutators of ``tests/support/mutations.py``. A reader may answer, or raise one of the errors of
``deeprnn_edge.errors``; it may open nothing outside of the bundle. Writes ``results/fuzz_loading.json``, with the
number of each input that broke this, and exits with 1 where there is one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from tests.support.fuzz_targets import Target, outcome, targets

OUTPUT = RESULTS / "fuzz_loading.json"
MOST_KEPT = 20  # failures of a reader that are written down


def main(count: int = 100_000, seed: int = 0) -> int:
    """Fuzz each reader, and write."""
    readers = {name: fuzz(name, target, count, seed) for name, target in targets().items()}
    result = {
        "format_version": 1,
        "what": "damaged and made-up bundles: what each reader made of them",
        "machine": describe_machine(),
        "count": count,
        "seed": seed,
        "seconds": round(sum(reader["seconds"] for reader in readers.values()), 1),
        "readers": readers,
    }
    OUTPUT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(reader["failures"] for reader in readers.values()))


def fuzz(name: str, target: Target, count: int, seed: int) -> dict[str, Any]:
    """Return outcomes by name, the slowest input in milliseconds, and what went wrong by the input's number."""
    outcomes: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    slowest, started = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            content = target.draw(Random(f"{name} {seed} {number}"))
            before = time.perf_counter()
            try:
                said = outcome(target, content, Path(folder))
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                said = "failure"
                if len(failures) < MOST_KEPT:
                    failures.append({"number": number, "error": f"{type(error).__name__}: {str(error)[:500]}"})
            slowest = max(slowest, time.perf_counter() - before)
            outcomes[said] += 1
            if (number + 1) % 10_000 == 0:
                print(f"{name}: {number + 1:,} of {count:,}, {dict(outcomes)}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    return {
        "inputs": count,
        "outcomes": dict(outcomes.most_common()),
        "slowest_ms": round(slowest * 1e3, 1),
        "seconds": round(seconds, 1),
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
