"""Make the figures of many rows, many threads and many kills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.tables.parts import describe_machine, markdown, read


def score(result: Mapping[str, Any]) -> str:
    """Return a corpus on two workers beside loops in one process, and what was left after kills."""
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


def hardening(result: Mapping[str, Any]) -> str:
    """Tabulate threads, soak, idleness and kills, a line each."""
    threads, soak, kills = result["threads"]["runs"], result["soak"], result["kills"]
    calls = sum(sum(one["calls"].values()) for one in threads)
    wrong = sum(one["differing"] + one["errors"] for one in threads)
    rows = [
        ["calls of predict, run and streams from 16 threads at once", f"{calls:,}", f"{wrong} other than one thread's"],
        *([what, f"{soak[name][0]['count']:,} each", _soaked(soak[name])] for what, name in _SOAKS.items()),
        ["seconds loaded and not asked", *_idle(soak["idle"])],
        *([f"kills of {what}, at random", one["kills"], _left(one)] for what, one in kills["random"].items()),
        *(
            [f"kills of {what}, one before each operation on files", one["operations"], _left(one)]
            for what, one in kills["each_operation"].items()
        ),
    ]
    return markdown(["", "count", "found"], rows) + "\n\n" + describe_machine(result)


def two_at_once(result: Mapping[str, Any]) -> str:
    """Tabulate pairs of commands that write one place, a line for each command."""
    rows = [
        [f"`{one['command']}`" if "'" not in one["command"] else one["command"], one["pairs"],
         one["exit_codes"].get("0 and 2", 0), one["exit_codes"].get("0 and 0", 0), len(one["problems"])]
        for one in result["commands"]
    ]  # fmt: skip
    header = ["command", "pairs", "one ended with 0", "both, one after the other", "neither result, or half of one"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


_SOAKS = {
    "predictions, after 50,000 of warm-up": "predictions",
    "loads and closes, after as many of warm-up": "loads",
}


def _soaked(runs: Sequence[Mapping[str, Any]]) -> str:
    grown = max(one["most_grown_bytes"] for one in runs)
    leaked = max(one["descriptors_after"] - one["descriptors_before"] for one in runs)
    return f"at most {grown / 1e6:.2f} MB and {leaked} descriptors more"


def _idle(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    most = max(one["cpu_seconds"] / one["wall_seconds"] for one in runs)
    return [f"{max(one['wall_seconds'] for one in runs):g}", f"at most {most * 1e3:.2f} ms of CPU a second"]


def _left(runs: Mapping[str, Any]) -> str:
    """Return how often the old result stood there after a kill or a whole run, and how often the new one."""
    outcomes = runs["outcomes"]
    half = sum(count for name, count in outcomes.items() if name not in ("old", "new"))
    return f"the old result {outcomes.get('old', 0)} times, the new one {outcomes.get('new', 0)}, half of one {half}"


def fuzz(loading: Mapping[str, Any], onnx: Mapping[str, Any], runtimes: Mapping[str, Any]) -> str:
    """Tabulate damaged files: how many, how many were accepted, and what should not be."""
    rows = [
        [f"read as {name}", f"{one['inputs']:,}", f"{one['outcomes'].get('accepted', 0):,}", _broken(one)]
        for name, one in loading["readers"].items()
    ]
    wrong = f"{onnx['disagreements']} read otherwise by onnx, {onnx['foreign_files_opened']} that open another file"
    rows.append(["read as ONNX, beside the onnx package", f"{onnx['inputs']:,}", f"{onnx['accepted']:,}", wrong])
    for name, one in runtimes["files"].items():
        outcomes = one["outcomes"]
        ran = outcomes.get("right answers", 0) + outcomes.get("other answers", 0)
        died = sum(count for said, count in outcomes.items() if said.startswith("the process"))
        wrong = f"{len(one['failures'])} in the process that asked; {died} ended the one that ran them"
        rows.append([f"`{name}` with a right hash, verified", f"{one['inputs']:,}", f"{ran:,}", wrong])
    slowest = max(one["cpu_seconds"] for one in loading["largest"].values())
    largest = len(loading["largest"])
    said = f"The largest of {largest} inputs that the limits let through takes {slowest:.1f} s of a processor."
    return markdown(["", "files", "accepted", "wrong"], rows) + f"\n\n{said} {describe_machine(loading)}"


def _broken(one: Mapping[str, Any]) -> str:
    return f"{one['outcomes'].get('failure', 0)} other than a named error, {one['slow']} above 2 s"


SCALE_TABLES: dict[str, Callable[[], str]] = {
    "score": lambda: score(read("score")),
    "two_at_once": lambda: two_at_once(read("two_at_once")),
    "hardening": lambda: hardening(read("hardening")),
    "fuzz": lambda: fuzz(read("fuzz_loading"), read("fuzz_onnx"), read("fuzz_runtimes")),
}
