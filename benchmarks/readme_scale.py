"""The README's figures of many rows and many clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.readme_parts import describe_machine, read


def score(result: Mapping[str, Any]) -> str:
    """A corpus on two workers beside loops in one process, and what was left after kills."""
    speed, killed, runs = result["rows_per_second"], result["worker_killed"], result["runs_killed"]
    outcomes = runs["result_after"]
    return (
        f"On {result['rows']:,} sentences of {result['mean_words']:.0f} words and the masked GRU, {result['workers']} "
        f"workers are **{result['faster_than_loop']:.1f}×** faster than a plain loop over `predict` "
        f"({speed['score']:,} rows a second against {speed['loop']:,}), the start of the processes included, and "
        f"{result['faster_than_batched_loop']:.1f}× faster than a loop of {result['batch']} texts a call. The largest "
        f"difference to `predict` of each text alone is {result['max_abs_diff']:g}. With one worker killed halfway, "
        f"{killed['rows_lost']} rows of {killed['rows']:,} were lost and {killed['rows_doubled']} doubled; of "
        f"{runs['kills']} runs killed at random moments {outcomes['old']} left the old result and {outcomes['new']} "
        f"the new one, whole. {describe_machine(result)}"
    )


SCALE_TABLES: dict[str, Callable[[], str]] = {"score": lambda: score(read("score"))}
