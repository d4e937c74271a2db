"""Corpora to score, runs of ``deeprnn-edge score`` in processes of their own, and what has to hold of their results.

``benchmarks/serving/score_corpus.py`` runs the same at its size.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

import deeprnn_edge

WORDS = (
    "the a film good bad great dull moving boring gorgeous, funny. I love hate NOT never best worst story zzz".split()
)


def make_texts(count: int, seed: int = 0) -> list[str]:
    """Texts of 0 to 25 words, known and unknown."""
    random = Random(seed)
    return [" ".join(random.choices(WORDS, k=random.randint(0, 25))) for _ in range(count)]


def write_corpus(folder: Path, texts: Sequence[str], *, files: int = 2, row_group_size: int = 100_000) -> list[str]:
    """Files of the columns ``id``, which numbers the rows through all of them, and ``text``; the texts by id."""
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(texts)), files)):
        table = pa.table({"id": rows, "text": [texts[row] for row in rows]})
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=row_group_size)
    return list(texts)


def assert_scored(output: Path, texts: Sequence[str], bundle: Path, prefix: str = "") -> float:
    """Every row once, in order, with what ``predict`` answers to its text alone; the largest difference to that."""
    table = pq.read_table(output)
    assert table.column("id").to_pylist() == list(range(len(texts)))
    assert table.column("text").to_pylist() == list(texts)
    model = deeprnn_edge.load(bundle)
    answers = {text: model.predict(text)[0, 0] for text in set(texts)}
    expected = np.array([answers[text] for text in texts])
    got = table.column(f"{prefix}probability").to_numpy()
    # The kernels add up in another order where several rows run together.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
    labels = [model.manifest.labels[int(probability > 0.5)] for probability in got]
    assert table.column(f"{prefix}label").to_pylist() == labels
    return float(np.abs(got - expected).max())


def start(bundle: Path, corpus: Path, output: Path, *words: str) -> subprocess.Popen[str]:
    """A run of the command, as a user starts it."""
    command = [sys.executable, "-m", "deeprnn_edge", "score", str(bundle), "--input", str(corpus / "*.parquet")]
    command += ["--column", "text", "--output", str(output), "--workers", "2", *words]
    # In a group of its own, which a signal from the terminal would go to.
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def finish(process: subprocess.Popen[str]) -> str:
    """What a run that succeeds has written to stdout."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


def wait_for_partitions(process: subprocess.Popen[str], output: Path, count: int) -> None:
    """Wait until so many partitions are there, or the run is over."""
    while process.poll() is None and len(partitions_of(output)) < count:
        time.sleep(0.002)


def partitions_of(output: Path) -> list[Path]:
    """Return the partitions that a run which is not finished yet has written."""
    return list(partial_of(output).glob("[0-9]*"))


def partial_of(output: Path) -> Path:
    """Return where a result is in the making."""
    return output.with_name(f"{output.name}.partial")


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that score for a run."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


def kill_at_random_moments(
    bundle: Path, corpus: Path, output: Path, texts: Sequence[str], *, count: int, words: Sequence[str] = ()
) -> dict[str, int]:
    """Kill run after run, each of which replaces the result of the one that last came to its end.

    By turns at any moment of a run and once some of its partitions are there. After each kill the result is the old
    one or the new one, whole. How many kills met which, and how many of them were ``in the middle``: some partitions
    were there and others not.
    """
    random, generation, old = Random(0), 0, ""
    began = time.monotonic()
    finish(start(bundle, corpus, output, "--prefix", "v0_", *words))
    partitions = len(list(output.glob("*.parquet")))
    seconds, outcomes = time.monotonic() - began, {"old": 0, "new": 0, "in the middle": 0}
    while (kills := outcomes["old"] + outcomes["new"]) < count or not outcomes["in the middle"]:
        old, new, waiting = f"v{generation}_", f"v{generation + 1}_", kills % 2 == 0
        if waiting:  # for its own partitions, not for those that the killed run before it left
            shutil.rmtree(partial_of(output), ignore_errors=True)
        process = start(bundle, corpus, output, "--prefix", new, "--force", *words)
        if waiting:
            wait_for_partitions(process, output, random.randint(1, partitions // 2))
        else:
            time.sleep(random.uniform(0, seconds))
        process.kill()
        process.communicate()
        outcomes["in the middle"] += waiting and 0 < len(partitions_of(output)) < partitions
        names = set(pq.read_schema(min(output.glob("*.parquet"))).names)
        came = new if f"{new}probability" in names else old
        assert_scored(output, texts, bundle, came)
        outcomes["new" if came == new else "old"] += 1
        if came == new:
            generation += 1
    finish(start(bundle, corpus, output, "--prefix", new, "--force", *words))
    assert_scored(output, texts, bundle, new)
    assert sorted(path.name for path in output.parent.iterdir()) == sorted({corpus.name, output.name})
    return outcomes
