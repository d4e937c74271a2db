"""``deeprnn-edge score`` with its processes killed: no row lost, none doubled, no result that is half of one."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support import score_runs

pytestmark = pytest.mark.process
PARTITIONED = ("--partition-rows", "500")
# So many that a run is never over before it is interrupted, also where the machine is busy with something else.
SMALL = ("--partition-rows", "100")


def make(folder: Path, *, repeats: int) -> tuple[Path, list[str]]:
    corpus = folder / "corpus"
    return corpus, score_runs.write_corpus(corpus, score_runs.make_texts(1000) * repeats)


def test_a_worker_killed_in_the_middle(bundle_path: Path, tmp_path: Path) -> None:
    corpus, texts = make(tmp_path, repeats=50)
    process = score_runs.start(bundle_path, corpus, tmp_path / "out", *PARTITIONED, "--json")
    score_runs.wait_for_partitions(process, tmp_path / "out", 5)
    workers = score_runs.workers_of(process)
    assert len(workers) == 2
    workers[0].kill()
    summary = json.loads(score_runs.finish(process))
    assert (summary["rows"], summary["partitions"], summary["skipped"], summary["failed"]) == (50_000, 100, 0, [])
    score_runs.assert_scored(tmp_path / "out", texts, bundle_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "out"]


def test_an_interrupted_run_goes_on(bundle_path: Path, tmp_path: Path) -> None:
    corpus, texts = make(tmp_path, repeats=50)
    process = score_runs.start(bundle_path, corpus, tmp_path / "out", *SMALL)
    score_runs.wait_for_partitions(process, tmp_path / "out", 5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert (process.returncode, out) == (130, "")
    kept = f"the partitions that are done stay, and {tmp_path / 'out'} is as it was"
    assert err.splitlines()[-1] == f"interrupted: {kept}; the same command goes on with the rest"
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    done = len(score_runs.partitions_of(tmp_path / "out"))
    summary = json.loads(score_runs.finish(score_runs.start(bundle_path, corpus, tmp_path / "out", *SMALL, "--json")))
    assert summary["skipped"] == done >= 5
    score_runs.assert_scored(tmp_path / "out", texts, bundle_path)


def test_runs_killed_at_random_moments(bundle_path: Path, tmp_path: Path) -> None:
    corpus, texts = make(tmp_path, repeats=20)
    outcomes = score_runs.kill_at_random_moments(
        bundle_path, corpus, tmp_path / "out", texts, count=4, words=PARTITIONED
    )
    assert outcomes["old"] + outcomes["new"] >= 4
    assert outcomes["in the middle"] >= 1
