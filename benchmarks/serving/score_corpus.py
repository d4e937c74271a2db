"""Score a corpus on two workers, beside a loop over ``predict``: ``python benchmarks/serving/score_corpus.py``.

1,000,000 texts, drawn from the packaged sentences, in four Parquet files; the masked GRU of the seed with random
weights. In rounds that alternate: ``deeprnn-edge score`` with two workers, from the start of its process to its end;
a loop that predicts one text a call, on the first 50,000 rows; and one that predicts 256 texts a call, on the first
250,000. A loop's time is that of the calls alone, its process, imports, model and texts being ready.

Then a run of which one worker is killed halfway, and on 100,000 rows 30 runs that are killed themselves at random
moments. Writes ``results/score.json``; exits with 1 where a row is lost, doubled or answered otherwise.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow.parquet as pq

import deeprnn_edge
from benchmarks.paths import RESULTS
from benchmarks.peers.networks import build
from benchmarks.peers.workloads import Network
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.inputs.text import INDEX_OFFSET
from deeprnn_edge.packages import package_version
from deeprnn_export import export
from deeprnn_export.datasets.catalogue import load_dataset
from tests.support import score_runs

OUTPUT = RESULTS / "score.json"
ROWS, FILES, ROUNDS = 1_000_000, 4, 3
LOOP_ROWS, BATCHED_ROWS, BATCH = 50_000, 250_000, 256
KILLED_ROWS, KILLS = 100_000, 30


def main() -> int:
    """Measure, check and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle, sentences = folder / "bundle", make_bundle(folder / "bundle")
        drawn = np.random.default_rng(0).integers(0, len(sentences), ROWS)
        corpus = folder / "corpus"
        texts = score_runs.write_corpus(corpus, [sentences[index] for index in drawn], files=FILES)
        speed = measure(bundle, corpus, texts, folder)
        print(json.dumps(speed, indent=1), file=sys.stderr)
        killed_worker = kill_worker(bundle, corpus, texts, folder / "killed" / "out")
        print(json.dumps(killed_worker, indent=1), file=sys.stderr)
        few = folder / "few" / "corpus"
        few.parent.mkdir()
        killed_runs = score_runs.kill_at_random_moments(
            bundle,
            few,
            few.with_name("out"),
            score_runs.write_corpus(few, texts[:KILLED_ROWS]),
            count=KILLS,
            words=("--partition-rows", "2000"),
        )
    result = {
        "format_version": 1,
        "what": "a corpus of short texts scored by two local workers, beside a loop over predict in one process",
        "machine": describe_machine(),
        "packages": {name: package_version(name) for name in ("distributed", "pyarrow")},
        "rows": ROWS,
        "mean_words": float(np.mean([text.count(" ") + 1 for text in texts])),
        **speed,
        "worker_killed": killed_worker,
        "runs_killed": {"rows": KILLED_ROWS, "kills": KILLS, "result_after": killed_runs},
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    write_output(OUTPUT, json.dumps(result, indent=2) + "\n")
    print(json.dumps({"speed": speed, "worker_killed": killed_worker, "runs_killed": killed_runs}, indent=1))
    return 0


def make_bundle(path: Path) -> list[str]:
    """Export the masked GRU with the words of the packaged reviews; return these sentences without their padding."""
    data = load_dataset("reviews")
    export(build(Network("gru", masked=True)), path, vocabulary=data.words, rules="imdb", formats=("onnx",))
    words = np.array(["", "", "zzz", "", *data.words], dtype=object)  # the id of a word is its rank + 3
    assert words[INDEX_OFFSET + 1] == data.words[0]
    rows = np.concatenate([data.x_train, data.x_test])
    return [" ".join(words[row[row > 1]]) for row in rows]


def measure(bundle: Path, corpus: Path, texts: list[str], folder: Path) -> dict[str, Any]:
    """Measure rows a second of each entry, the median of the rounds, and by how much the workers are faster."""
    model = deeprnn_edge.load(bundle)
    model.predict(texts[:BATCH])
    paces: dict[str, list[float]] = {"score": [], "loop": [], "batched_loop": []}
    seconds = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        score_runs.finish(score_runs.start(bundle, corpus, folder / f"out-{number}"))
        seconds.append(time.perf_counter() - started)
        paces["score"].append(ROWS / seconds[-1])
        started = time.perf_counter()
        for text in texts[:LOOP_ROWS]:
            model.predict(text)
        paces["loop"].append(LOOP_ROWS / (time.perf_counter() - started))
        started = time.perf_counter()
        for first in range(0, BATCHED_ROWS, BATCH):
            model.predict(texts[first : first + BATCH])
        paces["batched_loop"].append(BATCHED_ROWS / (time.perf_counter() - started))
        print({name: round(values[-1]) for name, values in paces.items()}, file=sys.stderr)
    difference = score_runs.assert_scored(folder / "out-0", texts, bundle)
    median = {name: statistics.median(values) for name, values in paces.items()}
    return {
        "rounds": ROUNDS,
        "workers": 2,
        "score_seconds": statistics.median(seconds),
        "rows_per_second": {name: round(value) for name, value in median.items()},
        "rows_per_second_of_rounds": {name: [round(value) for value in values] for name, values in paces.items()},
        "loop_rows": LOOP_ROWS,
        "batched_loop_rows": BATCHED_ROWS,
        "batch": BATCH,
        "faster_than_loop": round(median["score"] / median["loop"], 2),
        "faster_than_batched_loop": round(median["score"] / median["batched_loop"], 2),
        "max_abs_diff": difference,
    }


def kill_worker(bundle: Path, corpus: Path, texts: list[str], output: Path) -> dict[str, Any]:
    """Kill one worker when half of the partitions are there. Every row has to be there once."""
    output.parent.mkdir()
    process = score_runs.start(bundle, corpus, output, "--json")
    score_runs.wait_for_partitions(process, output, 25)
    (victim, *_) = score_runs.workers_of(process)
    victim.kill()
    summary = json.loads(score_runs.finish(process))
    ids = pq.read_table(output, columns=["id"]).column("id").to_numpy()
    difference = score_runs.assert_scored(output, texts, bundle)
    return {
        "rows": summary["rows"],
        "partitions": summary["partitions"],
        "rows_lost": ROWS - len(np.unique(ids)),
        "rows_doubled": len(ids) - len(np.unique(ids)),
        "max_abs_diff": difference,
        "seconds": summary["seconds"],
    }


if __name__ == "__main__":
    sys.exit(main())
