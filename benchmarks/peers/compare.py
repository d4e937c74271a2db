"""Measure every way to run a recurrent network on a CPU: ``make bench``, or ``--sweep`` for every workload.

Keras, its ONNX export, tf2onnx alone, the stock TFLite converter, OpenVINO and PyTorch beside this project's files,
on the same weights and inputs; loops in C show what the machine can do. Each has a process of its own, pinned to its
cores; its answers are held against Keras's before anything is timed; blocks of calls alternate, and the processes
that wait are stopped. What does not run is a row with the reason.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.paths import RESULTS
from benchmarks.peers.entries import ENTRIES, Entry, compiler_version
from benchmarks.peers.growth import fit_growth
from benchmarks.peers.jobs import make_all
from benchmarks.peers.measuring import measure
from benchmarks.peers.page import make_page
from benchmarks.peers.picture import draw
from benchmarks.peers.result import FORMAT_VERSION, describe, encode, read_result, replaced
from benchmarks.peers.workloads import SEED, Workload, subset, sweep
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.timing import ROUNDS
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.packages import package_version

PACKAGES = ("torch", "openvino", "tf2onnx", "onnx")


@click.command(help=__doc__)
@click.option("--sweep", "everything", is_flag=True, help="Every workload, in place of the seed models alone.")
@click.option("--only", multiple=True, metavar="NAME", help="This workload alone; may be given more than once.")
@click.option(
    "--contender", "chosen", multiple=True, metavar="NAME", help="This entry alone; may be given more than once."
)
@click.option("--list", "listing", is_flag=True, help="List workloads and entries, and end.")
@click.option("--seconds", type=click.FloatRange(0, 60, min_open=True), default=0.5, show_default=True,
              help="How long each entry is timed on each workload, about.")  # fmt: skip
@click.option("--render", metavar="JSON", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="Measure nothing: make the page and the picture of this result anew, beside it.")  # fmt: skip
@click.option("--into", metavar="JSON", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="Measure the workloads of --only again, in this result of the same machine.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None,
              help="Folder for the JSON, the page and the picture  [default: benchmarks/results]")  # fmt: skip
def main(
    everything: bool,
    only: tuple[str, ...],
    chosen: tuple[str, ...],
    listing: bool,
    seconds: float,
    render: Path | None,
    into: Path | None,
    output: Path | None,
) -> None:
    """Measure, and write the JSON, the page and the picture."""
    if listing:
        for one in (*sweep(), *ENTRIES):
            click.echo(f"{one.name:24} {one.title}")
        return
    if render is not None:
        _render(_read(render), render.with_suffix(""))
        return
    workloads = _choose("workload", sweep(), only) if only else sweep() if everything else subset()
    entries = _choose("contender", ENTRIES, chosen) if chosen else list(ENTRIES)
    if into is not None and (not only or chosen or output):
        raise click.UsageError("--into takes the workloads of --only, with every entry")
    # What was picked by name is no evidence of the whole: it does not take the place of the published result.
    if (only or chosen) and output is None and into is None:
        raise click.UsageError("--only and --contender leave rows out: say with --output where the result goes")
    machine = _machine()
    before = None if into is None else _read(into)
    if before and (other := [name for name in before["machine"] if before["machine"][name] != machine.get(name)]):
        raise click.UsageError(
            f"{into} is from another machine or other packages ({', '.join(other)}); measure it whole"
        )
    target = into or (output or RESULTS) / ("peers_sweep.json" if everything else "peers.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    # A long run that is broken off leaves what it has measured, under a name that no table is made from.
    unfinished = target.with_suffix(".unfinished.json")
    result: dict[str, Any] = {}
    for result in run(workloads, entries, machine, seconds=seconds, everything=everything):
        write_output(unfinished, encode(result))
    if before:
        result = replaced(before, result)
        write_output(unfinished, encode(result))
    unfinished.replace(target)
    _render(result, target.with_suffix(""))
    click.echo(f"measured in {result['seconds']:.0f} s; the figures are in {target}")


def run(
    workloads: Sequence[Workload],
    entries: Sequence[Entry],
    machine: dict[str, Any],
    *,
    seconds: float,
    everything: bool = False,
) -> Iterator[dict[str, Any]]:
    """Make the files and measure: the result so far after each workload, ready for JSON.

    Args:
        seconds: how long each entry is timed on each workload.
    """
    started = time.perf_counter()
    measured: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        made = make_all(workloads, entries, Path(name), progress=_say)
        for index, workload in enumerate(workloads):
            _say(f"{time.perf_counter() - started:.0f} s, {index + 1} of {len(workloads)}: {workload.title}")
            rows = measure(
                workload,
                [one for one in entries if one.takes(workload)],
                made[workload.network],
                Path(name) / workload.network.key,
                seconds=seconds,
                progress=_say,
            )
            measured.append(describe(workload, rows))
            yield {
                "format_version": FORMAT_VERSION,
                "what": "latency of one call, each entry in a process of its own, answers as Keras's",
                "sweep": everything,
                "seed": SEED,
                "blocks": ROUNDS,
                "seconds_per_contender": seconds,
                "seconds": time.perf_counter() - started,
                "machine": machine,
                "workloads": measured,
                "growth": fit_growth(measured),
            }


def _machine() -> dict[str, Any]:
    machine = describe_machine()
    machine["packages"] |= {package: package_version(package) for package in PACKAGES}
    return machine | {"compiler": compiler_version()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_result(path)
    except InputError as error:
        raise click.UsageError(str(error)) from error


def _render(result: dict[str, Any], stem: Path) -> None:
    write_output(stem.with_suffix(".html"), make_page(result))
    draw(result, stem.with_suffix(".png"))


def _choose(what: str, known: Sequence[Any], names: Sequence[str]) -> list[Any]:
    by_name = {one.name: one for one in known}
    if unknown := [name for name in names if name not in by_name]:
        raise click.UsageError(f"no {what} {unknown[0]!r}; there are {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(names)]


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
