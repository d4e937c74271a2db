"""The order of the calls, and how many there are. Not how long they take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.timing import FEWEST_BLOCKS, NOISY_SPREAD, ROUNDS, block_spread, time_alternating


def test_entries_take_turns_and_every_other_round_runs_backwards() -> None:
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


def test_every_block_has_its_figures() -> None:
    (timing,) = time_alternating({"a": lambda: sum(range(1000))}, rows=1, runs=3 * ROUNDS + 1).values()
    blocks = (timing.block_p50_ms, timing.block_p95_ms, timing.block_mean_ms)
    assert [len(block) for block in blocks] == [ROUNDS] * 3
    assert min(timing.block_p50_ms) <= timing.p50_ms <= max(timing.block_p50_ms)
    assert np.average(timing.block_mean_ms, weights=[3] * (ROUNDS - 1) + [4]) == pytest.approx(timing.mean_ms, rel=0.5)
    assert all(p50 <= p95 for p50, p95 in zip(timing.block_p50_ms, timing.block_p95_ms, strict=True))
    assert timing.spread == block_spread(timing.block_p50_ms)
    assert timing.noisy == (timing.spread is not None and timing.spread > NOISY_SPREAD)


def test_too_few_blocks_have_no_spread() -> None:
    (timing,) = time_alternating({"a": lambda: None}, rows=1, runs=FEWEST_BLOCKS - 1).values()
    assert (len(timing.block_p50_ms), timing.spread, timing.noisy) == (FEWEST_BLOCKS - 1, None, False)


@pytest.mark.parametrize(
    ("blocks", "noisy"),
    [
        ([1.0] * 10, False),
        ([1.0] * 9 + [1.5], False),  # one disturbed block moves the median as little
        ([1.0] * 8 + [1.5] * 2, True),
        ([0.97, 0.98, 0.99, 1.0, 1.0, 1.0, 1.0, 1.01, 1.02, 1.03], False),
        ([1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45], True),  # a clock that falls
    ],
)
def test_a_run_is_noisy_from_two_disturbed_blocks_of_ten_on(blocks: list[float], noisy: bool) -> None:
    spread = block_spread(blocks)
    assert spread is not None
    assert (spread > NOISY_SPREAD) == noisy
