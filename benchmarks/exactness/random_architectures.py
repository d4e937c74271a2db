"""Export hundreds of random architectures and hold them against Keras: is any file silently wrong?

    python benchmarks/exactness/random_architectures.py --count 500 --seed 0 --formats onnx,tflite

Draws distinct architectures from the space that has to convert (``tests/support/random_models/strategy.py``),
the same for the same seed, exports each to each format, and compares the files with Keras on inputs that
export never saw. Writes the counts, and every architecture that was not exact, with its message. Exits
with 1 where a file was exported whose answers differ, or an export ended with another exception than a
refusal; ``make random`` runs it so, with a fresh seed. With ``--keep`` each kind of failure is shrunk, and
its simplest architecture goes to ``tests/fixtures/architectures/found``, which the test run replays.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.exactness.workers import run_jobs
from benchmarks.paths import ROOT
from deeprnn_edge.bench.machine import describe_machine
from tests.support.paths import FOUND
from tests.support.random_models.descriptions import from_json, to_json
from tests.support.random_models.draw import draw

KINDS = ("exact", "refused", "wrong", "error")
NOTHING = {"message": "", "max_abs_diff": 0.0, "loops": 0, "seconds": 0.0}


def main() -> int:
    """Draw, check, count, write."""
    options = read_options()
    formats = options.formats.split(",")
    descriptions = draw(options.count, options.seed)
    jobs = [(to_json(description), kind) for kind in formats for description in descriptions]
    started = time.perf_counter()
    outcomes = run(jobs, workers=options.workers)
    result = summarise(jobs, outcomes, formats)
    seconds = time.perf_counter() - started
    result = {
        "format_version": 1,
        "what": "random architectures: exports held against Keras on inputs that export never saw",
        "machine": describe_machine(),
        "count": len(descriptions),
        "seed": options.seed,
        "workers": options.workers,
        "seconds": seconds,
        **result,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["formats"], indent=1))
    if options.keep:
        keep([(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True) if outcome["kind"] != "exact"])
    return int(any(counts["wrong"] or counts["error"] for counts in result["formats"].values()))


def read_options() -> argparse.Namespace:
    """Read what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="distinct architectures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", default="onnx,tflite")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "random_architectures.json")
    parser.add_argument(
        "--keep", action="store_true", help=f"shrink each kind of failure into {FOUND.relative_to(ROOT)}"
    )
    return parser.parse_args()


def run(jobs: list[tuple[str, str]], *, workers: int) -> list[dict[str, Any]]:
    """Run every job and return its outcome; outcomes are told as they come."""
    counts: Counter[str] = Counter()

    def told(index: int, outcome: dict[str, Any]) -> None:
        counts[outcome["kind"]] += 1
        if outcome["kind"] != "exact":
            print(f"\n{jobs[index][1]} {index}: {outcome['kind']}: {outcome['message'][:400]}", file=sys.stderr)
        summary = ", ".join(f"{kind} {counts[kind]}" for kind in KINDS)
        print(f"\r{counts.total()} of {len(jobs)}: {summary}", end="", file=sys.stderr, flush=True)

    outcomes = run_jobs(jobs, prepared_job, workers=workers, told=told)
    print(file=sys.stderr)
    return [{**NOTHING, **outcome} for outcome in outcomes]


def prepared_job() -> Callable[[tuple[str, str]], dict[str, Any]]:
    """Prepare what a worker does with a job."""
    check = prepared_check()
    return lambda job: asdict(check(from_json(job[0]), job[1]))


def prepared_check() -> Any:
    """Prepare ``check`` with the converter in this process: starting TensorFlow for each model would take longest."""
    import pytest

    from tests.support.converter import convert_here
    from tests.support.random_models.check import QUIET, check

    for message in QUIET:
        warnings.filterwarnings("ignore", message=message)
    convert_here(pytest.MonkeyPatch())
    return check


def summarise(jobs: list[tuple[str, str]], outcomes: list[dict[str, Any]], formats: list[str]) -> dict[str, Any]:
    """Count outcomes by format, with all that was not exact."""
    counts = {}
    for kind in formats:
        these = [outcome for (_, one), outcome in zip(jobs, outcomes, strict=True) if one == kind]
        exact = [outcome for outcome in these if outcome["kind"] == "exact"]
        counts[kind] = {
            **{name: sum(outcome["kind"] == name for outcome in these) for name in KINDS},
            "exact_without_loops": sum(not outcome["loops"] for outcome in exact),
            "largest_difference": max((outcome["max_abs_diff"] for outcome in exact), default=0.0),
            "seconds": sum(outcome["seconds"] for outcome in these),
        }
    failures = [
        {"format": kind, **outcome, "architecture": json.loads(text)}
        for (text, kind), outcome in zip(jobs, outcomes, strict=True)
        if outcome["kind"] != "exact"
    ]
    return {"formats": counts, "not_exact": failures}


def keep(failures: list[tuple[tuple[str, str], dict[str, Any]]]) -> None:
    """Shrink one failure of each cause, and write it where the tests replay it."""
    if not failures:
        return
    from tests.support.random_models.check import Outcome, cause_of, shrunk

    prepared_check()
    seen = set()
    for (text, kind), values in failures:
        outcome = Outcome(**values)
        if (kind, cause_of(outcome)) in seen:
            continue
        seen.add((kind, cause_of(outcome)))
        smallest = to_json(shrunk(from_json(text), kind, outcome))
        path = FOUND / f"{hashlib.sha256(smallest.encode()).hexdigest()[:8]}.json"
        path.write_text(smallest)
        print(f"kept {path.relative_to(ROOT)}: {kind} {outcome}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
