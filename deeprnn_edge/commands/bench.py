"""``deeprnn-edge bench``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from deeprnn_edge.benchmarking import BenchOptions, BenchReport, to_json
from deeprnn_edge.benchmarking import bench as bench_bundle
from deeprnn_edge.contenders import BenchRow
from deeprnn_edge.errors import ParityError
from deeprnn_edge.output_file import check_output, write_output
from deeprnn_edge.tables import format_table


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--artifact", "artifacts", multiple=True, help="A file of the bundle, such as model.onnx; repeatable. Default: all."
)
@click.option("--batch", default=1, show_default=True, help="Rows of one call.")
@click.option("--length", type=int, help="Time steps, where they are free. Default: what the bundle pads to.")
@click.option("--threads", default=1, show_default=True, help="Threads inside one call.")
@click.option("--runs", type=int, help="Calls of each file.")
@click.option("--seconds", type=float, help="About how long each file is called. Default: 2.")
@click.option(
    "--keras",
    type=click.Path(path_type=Path),
    help="The .keras file the bundle came from, as a row beside the others. Needs the workshop.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON in place of the table.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report as JSON to a file too.")
@click.option("--force", is_flag=True, help="Replace that file.")
def bench(
    bundle: Path,
    artifacts: tuple[str, ...],
    batch: int,
    length: int | None,
    threads: int,
    runs: int | None,
    seconds: float | None,
    keras: Path | None,
    as_json: bool,
    output: Path | None,
    force: bool,
) -> None:
    """Measure a bundle's files on this machine: size, start, memory, latency.

    \b
        deeprnn-edge bench bundle
        deeprnn-edge bench bundle --batch 32 --seconds 5 -o this-device.json
        deeprnn-edge bench bundle --artifact model.tflite --keras gru.keras

    The files take turns in one run, so that a busy moment hits them all. Each has to give the right
    answers first, within the difference that is shown; one that does not is not timed, and the exit
    code is 1. Load time, first call and memory are those of a fresh process that has started the runtime
    and nothing else; memory is what the file adds to it. The time of a call is the network's alone, on
    ready arrays: turning text into ids comes on top.
    """
    if output is not None:
        check_output(output, force=force)
    report = bench_bundle(
        bundle,
        artifacts=artifacts or None,
        batch=batch,
        length=length,
        threads=threads,
        runs=runs,
        seconds=seconds,
        keras=keras,
        progress=lambda line: click.echo(line, err=True),
    )
    text = to_json(report)
    if output is not None:
        write_output(output, text)
        click.echo(f"wrote {output}", err=True)
    click.echo(text if as_json else _format(report), nl=not as_json)
    wrong = [row.name for row in report.rows if row.status == "differs"]
    if wrong:
        raise ParityError(f"{', '.join(wrong)}: other answers than {report.reference}; see deeprnn-edge verify")


def format_setting(name: str, options: BenchOptions, machine: Mapping[str, Any]) -> str:
    """Two lines: which model ran on what, and how it was called."""
    cpu = machine["cpu"]
    steps = "" if options.length is None else f", {options.length} time steps"
    threads = f"{options.threads} thread{'' if options.threads == 1 else 's'}"
    return (
        f"{name} on {cpu['model'] or machine['architecture']}, {cpu['logical_cores']} cores\n"
        f"batch {options.batch}{steps}, {threads}"
    )


def _format(report: BenchReport) -> str:
    parts = [f"{format_setting(report.name, report.options, report.machine)}; answers held against {report.reference}"]
    timed = [row for row in report.rows if row.timing is not None]
    if timed:
        parts += [_format_start(timed), _format_latency(timed)]
    problems = [f"{row.name} {row.status}: {row.problem}" for row in report.rows if row.problem]
    return "\n\n".join([*parts, *(["\n".join(problems)] if problems else [])])


def _format_start(rows: list[BenchRow]) -> str:
    cells = []
    for row in rows:
        start = row.start
        cells.append(
            [
                row.name,
                row.precision or "-",
                f"{row.size_bytes:,}",
                "-" if start is None else f"{start.load_ms:,.1f}",
                "-" if start is None else f"{start.first_call_ms:,.2f}",
                "-" if start is None or start.resident_added_bytes is None else f"{start.resident_added_bytes:,}",
                "-" if row.max_abs_diff is None else f"{row.max_abs_diff:.1g}",
            ]
        )
    header = [
        "start",
        "precision",
        "file bytes",
        "load ms",
        "first ms",
        "memory bytes",
        "difference",
    ]
    return format_table(header, cells)


def _format_latency(rows: list[BenchRow]) -> str:
    cells = []
    for row in rows:
        if row.timing is not None:
            timing = row.timing
            latencies = (timing.p50_ms, timing.p90_ms, timing.p95_ms, timing.p99_ms, timing.mean_ms)
            cells.append(
                [
                    row.name,
                    *(f"{value:,.3f}" for value in latencies),
                    f"{timing.rows_per_second:,.0f}",
                    f"{timing.cpu_seconds_per_call * 1e3:,.3f}",
                    f"{timing.runs:,}",
                ]
            )
    header = ["call", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "mean ms", "rows/s", "CPU ms", "calls"]
    return format_table(header, cells)
