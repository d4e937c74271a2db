"""The order of the calls, and how many there are. Not how long they take."""

from __future__ import annotations

from typing import Any

from deeprnn_edge.timing import ROUNDS, time_alternating


def test_contenders_take_turns_and_every_other_round_runs_backwards() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "ab"}
    timings = time_alternating(calls, rows=1, runs=2 * ROUNDS)
    assert [timing.runs for timing in timings.values()] == [2 * ROUNDS] * 2
    rounds = order[-2 * 3 * ROUNDS :]  # a block is one untimed call and two timed ones
    assert "".join(rounds) == "aaabbbbbbaaa" * (ROUNDS // 2)


def test_fewer_runs_than_rounds_are_still_that_many() -> None:
    calls: dict[str, Any] = {"a": lambda: None, "b": lambda: None}
    assert [timing.runs for timing in time_alternating(calls, rows=1, runs=3).values()] == [3, 3]


def test_seconds_become_runs() -> None:
    (timing,) = time_alternating({"a": lambda: sum(range(1000))}, rows=1, seconds=0.02).values()
    assert timing.runs >= 1
