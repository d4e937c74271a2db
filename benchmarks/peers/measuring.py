"""Measure one workload: every entry's start and answers first, then all of them in alternating blocks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.entries import FILES, Entry
from benchmarks.peers.processes import EntryError, EntryProcess
from benchmarks.peers.workloads import Workload
from deeprnn_edge.bench.timing import ROUNDS, Timing, summarize
from deeprnn_edge.bundle.bundle import open_bundle

# To Keras's answers, which lie within 1 or so: rounding in another order, through a few layers or many.
ATOL, DEEP_ATOL = 1e-5, 1e-4
DEEP_STEPS = 1_000  # layers times steps; the shallower ones are held to ATOL


@dataclass(frozen=True)
class Row:
    """Hold one entry on one workload, ready for JSON.

    Attributes:
        status: ``ok``; ``differs`` from Keras, and was not timed; ``failed``, ``missing`` (not installed), or
            ``unsupported`` by the route that makes its file. ``problem`` says why.
        size_bytes: of what would be shipped. resident_bytes: of the process after its first call.
        import_ms: of the entry's package, in a process that has NumPy alone. load_ms: from there until it is ready.
    """

    name: str
    title: str
    kind: str
    status: str
    problem: str | None = None
    max_abs_diff: float | None = None
    atol: float | None = None
    size_bytes: int | None = None
    import_ms: float | None = None
    load_ms: float | None = None
    first_call_ms: float | None = None
    resident_bytes: int | None = None
    timing: Timing | None = None


def measure(
    workload: Workload,
    entries: Sequence[Entry],
    made: Mapping[str, str | None],
    folder: Path,
    *,
    seconds: float,
    progress: Callable[[str], None],
) -> list[Row]:
    """Measure each entry, a row each.

    Args:
        made: what became of each file of the network, in ``folder``, where ``<workload>.npz`` has the inputs and
            Keras's answers, see ``files``.
        seconds: how long each is timed, about; in ten blocks.
    """
    with np.load(folder / f"{workload.name}.npz") as file:
        expected = file["answers"]
    rows = {one.name: Row(one.name, one.title, one.kind, "ok") for one in entries}
    with ExitStack() as stack:
        running: dict[str, tuple[EntryProcess, int]] = {}
        for one in entries:
            row, process, call_seconds = _start(one, workload, made, folder, expected)
            rows[one.name] = row
            if process is not None:
                stack.callback(process.close)
                if row.status == "ok":
                    calls = max(1, round(seconds / ROUNDS / call_seconds))
                    running[one.name] = (process, calls)
            progress(f"  {one.title}: {row.status if row.problem is None else row.problem}")
        blocks: dict[str, list[list[float]]] = {name: [] for name in running}
        cpu_seconds = dict.fromkeys(running, 0.0)
        for number in range(ROUNDS):
            for name in list(running)[:: 1 if number % 2 == 0 else -1]:
                process, calls = running[name]
                try:
                    taken, cpu = process.time_block(calls)
                except EntryError as error:
                    rows[name] = dataclasses.replace(rows[name], status="failed", problem=str(error))
                    del running[name]
                else:
                    blocks[name].append(taken)
                    cpu_seconds[name] += cpu
    for name in running:
        timing = summarize(blocks[name], cpu_seconds[name], workload.batch)
        rows[name] = dataclasses.replace(rows[name], timing=timing)
    return list(rows.values())


def _start(
    entry: Entry,
    workload: Workload,
    made: Mapping[str, str | None],
    folder: Path,
    expected: NDArray[np.float32],
) -> tuple[Row, EntryProcess | None, float]:
    """Start an entry: its row as far as that fills it, its process, and the seconds of a call."""
    row = Row(entry.name, entry.title, entry.kind, "ok")
    if missing := entry.missing():
        return dataclasses.replace(row, status="missing", problem=missing), None, math.nan
    if problem := made.get(entry.file, "the network's files were not made"):
        return dataclasses.replace(row, status="unsupported", problem=problem), None, math.nan
    path, answers = folder / FILES[entry.file], folder / "answers.npy"
    process = EntryProcess(
        {
            "workload": dataclasses.asdict(workload),
            "package": entry.engine.package,
            "engine": entry.engine.module,
            "variant": entry.variant,
            "path": str(path),
            "inputs": str(folder / f"{workload.name}.npz"),
            "answers": str(answers),
        },
        threads=workload.threads,
    )
    try:
        said = process.start()
    except EntryError as error:
        process.close()  # at once: one that stalled would compute on beside the others
        return dataclasses.replace(row, status="failed", problem=str(error)), None, math.nan
    got = np.load(answers)
    atol = _atol(entry, workload, path)
    call_seconds = said.pop("call_seconds")
    row = dataclasses.replace(row, atol=atol, **said, **_compare(got[-1:] if workload.streams else got, expected, atol))
    return row, process, call_seconds


def _atol(entry: Entry, workload: Workload, path: Path) -> float:
    """Return what is allowed: for fewer bits the bound that its export was held to."""
    if path.is_dir() and entry.kind == "ours":
        artifact = open_bundle(path).artifact(entry.variant)
        if artifact.precision != "fp32":
            return artifact.parity.atol
    network = workload.network
    return DEEP_ATOL if len(network.units) * network.steps >= DEEP_STEPS else ATOL


def _compare(got: NDArray[Any], expected: NDArray[np.float32], atol: float) -> dict[str, Any]:
    if got.shape != expected.shape:
        problem = f"answers have the shape {got.shape[1:]}, those of Keras {expected.shape[1:]}"
        return {"status": "differs", "problem": problem}
    difference = float(np.abs(got - expected).max())
    if not difference <= atol:
        problem = f"differs from Keras by {difference:.2g}, and {atol:g} is allowed"
        finite = difference if math.isfinite(difference) else None
        return {"status": "differs", "problem": problem, "max_abs_diff": finite}
    return {"max_abs_diff": difference}
