"""A workload is measured whatever its entries do: each ends as a row."""

from __future__ import annotations

import dataclasses
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers import measuring, processes
from benchmarks.peers.engines.opened import Opened, with_window
from benchmarks.peers.entries import Engine, Entry
from benchmarks.peers.measuring import Row, measure
from benchmarks.peers.processes import EntryProcess
from benchmarks.peers.workloads import Network, Workload

FAKE = Engine("tests.support.fake_engine", "numpy", "")
WORKLOAD = Workload("small", "a small one", "seed", Network("gru", units=(4,), steps=5))


def fake(variant: str, **changes: Any) -> Entry:
    return dataclasses.replace(Entry(variant, variant, "peer", FAKE, "weights", variant), **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    inputs = random.integers(4, 10_000, (3, 1, 5), dtype=np.int32)
    np.savez(tmp_path / "small.npz", inputs=inputs, answers=random.random((3, 1, 1), dtype=np.float32))
    return tmp_path


def rows_of(folder: Path, *entries: Entry, made: dict[str, str | None] | None = None) -> dict[str, Row]:
    made = {"weights": None} if made is None else made
    rows = measure(WORKLOAD, entries, made, folder, seconds=0.01, progress=lambda _: None)
    assert [row.name for row in rows] == [one.name for one in entries]
    return {row.name: row for row in rows}


def test_what_fails_is_a_row_with_its_reason_and_the_others_are_timed(folder: Path) -> None:
    variants = ["right", "raises", "dies", "wrong", "dies while it is timed", "also right"]
    missing = fake("missing", engine=Engine("", "no_such_package", "pip install no-such-package"))
    unmade = fake("unmade", file="keras-onnx")
    rows = rows_of(folder, *map(fake, variants), missing, unmade)
    for name in ("right", "also right"):
        row = rows[name]
        assert row.status == "ok"
        assert row.timing is not None
        assert row.timing.runs >= 10
        assert (row.max_abs_diff, row.size_bytes) == (0, 12)
        assert row.import_ms is not None
        assert row.load_ms is not None
        assert row.first_call_ms is not None
        assert min(row.import_ms, row.load_ms, row.first_call_ms) > 0
    assert (rows["raises"].status, rows["raises"].problem) == ("failed", "ValueError: no such operator")
    assert rows["dies"].status == "failed"
    assert "ended with 7" in str(rows["dies"].problem)
    assert (rows["wrong"].status, rows["wrong"].timing) == ("differs", None)
    assert rows["wrong"].max_abs_diff == pytest.approx(1e-3, rel=1e-3)
    assert rows["dies while it is timed"].status == "failed"
    assert "ended with 3" in str(rows["dies while it is timed"].problem)
    said = "no_such_package is not installed; install it with: pip install no-such-package"
    assert (rows["missing"].status, rows["missing"].problem) == ("missing", said)
    assert (rows["unmade"].status, rows["unmade"].problem) == ("unsupported", "the network's files were not made")


def test_what_a_route_could_not_make_says_why(folder: Path) -> None:
    rows = rows_of(folder, fake("right"), made={"weights": "TypeError: no converter"})
    assert (rows["right"].status, rows["right"].problem) == ("unsupported", "TypeError: no converter")


def test_one_that_hangs_is_given_up_and_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int | None] = []
    close = EntryProcess.close

    def closed(self: EntryProcess) -> None:
        close(self)
        ended.append(self._process.returncode)

    monkeypatch.setattr(EntryProcess, "close", closed)
    monkeypatch.setattr(processes, "MOST_SECONDS", 5.0)
    rows = rows_of(folder, fake("hangs"))
    assert (rows["hangs"].status, rows["hangs"].problem) == ("failed", "gave no answer within 5 s")
    assert ended
    assert all(code is not None for code in ended)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_one_that_waits_does_not_compute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    time_block = EntryProcess.time_block

    def cpu_seconds(process: EntryProcess) -> float:
        fields = Path(f"/proc/{process._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100  # utime and stime in ticks: man 5 proc

    def watched(self: EntryProcess, calls: int) -> tuple[list[float], float]:
        before = cpu_seconds(self)
        time.sleep(0.2)
        used.append(cpu_seconds(self) - before)
        return time_block(self, calls)

    monkeypatch.setattr(EntryProcess, "time_block", watched)
    monkeypatch.setattr(measuring, "ROUNDS", 3)
    assert rows_of(folder, fake("spins"))["spins"].status == "ok"
    # The first wait may begin before the stop has reached every thread.
    assert used[1:]
    assert max(used[1:]) <= 0.05


def test_blocks_take_turns_and_every_other_round_runs_backwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(
        EntryProcess,
        "time_block",
        lambda self, calls: (order.append(self._process.args[3]), ([1e-3] * calls, 0.0))[1],
    )
    rows_of(folder, fake("right"), fake("other"))
    names = ["right" if '"right"' in one else "other" for one in order]
    assert [name for name, _ in itertools.groupby(names)] == ["right", *["other", "right"] * 5][:11]
    assert len(names) == 2 * measuring.ROUNDS


def test_a_network_without_a_state_runs_its_window_again() -> None:
    seen: list[Any] = []
    remember: Callable[[Any], Any] = lambda inputs: seen.append(inputs.copy())  # noqa: E731
    opened = with_window(Opened(remember, 1), steps=3)
    for step in range(1, 5):
        opened.call(np.full((1, 1), step, np.int32))
    assert [one.tolist() for one in seen] == [[[0, 0, 1]], [[0, 1, 2]], [[1, 2, 3]], [[2, 3, 4]]]
