"""Run ``deeprnn-edge bench``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from deeprnn_edge.bench.history.comparison import compare_reports
from deeprnn_edge.bench.history.earlier import check_holdable, check_limit, check_same_model, read_earlier
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.result_file import to_json
from deeprnn_edge.bench.results import Report
from deeprnn_edge.bench.sequences import run as benchmarking
from deeprnn_edge.bench.streams import run as stream_benchmarking
from deeprnn_edge.bench.timing import FEWEST_BLOCKS
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.commands import bench_tables, stream_tables
from deeprnn_edge.cli.commands.comparison_table import format_comparison
from deeprnn_edge.cli.commands.formats import MODEL
from deeprnn_edge.cli.terminal import say
from deeprnn_edge.errors import InputError, ParityError, RegressionError
from deeprnn_edge.files.atomic_write import hold_output, write_output


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--artifact", "artifacts", multiple=True, help=f"A file of the bundle, such as {MODEL}; repeatable. Default: all."
)
@click.option("--batch", default=1, show_default=True, help="Rows of one call.")
@click.option("--length", type=int, help="Time steps, where they are free. Default: what the bundle pads to.")
@click.option("--threads", default=1, show_default=True, help="Threads inside one call.")
@click.option("--runs", type=int, help="Calls of each file; of a stream, of each chunk size.")
@click.option("--seconds", type=float, help="About how long each file is called. Default: 2, with --stream 1.")
@click.option(
    "--keras",
    type=click.Path(path_type=Path),
    help="The .keras file the bundle came from, as a row beside the others. Needs the workshop.",
)
@click.option("--stream", is_flag=True, help="Time the streams in place of the files for whole sequences.")
@click.option(
    "--chunk",
    "chunks",
    type=int,
    multiple=True,
    help="With --stream: steps of one push; repeatable. Default: 1, 10 and 100, and what a file is built for.",
)
@click.option(
    "--window",
    type=int,
    help="With --stream: steps run again for one answer. Default: what the bundle pads to or its files take, else 100.",
)
@click.option(
    "--sample-rate", type=float, metavar="HZ", help="With --stream: steps a second that come in, to keep up with."
)
@click.option(
    "--compare",
    "earlier_path",
    type=click.Path(path_type=Path),
    metavar="OLD.JSON",
    help="An earlier report of the model, from -o: the ratio of each figure to it, with its uncertainty.",
)
@click.option(
    "--fail-above",
    type=float,
    metavar="RATIO",
    help="With --compare: exit code 1 where a median latency, beyond noise, or a file's size is above that ratio.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON in place of the table.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report as JSON to a file too.")
@click.option("--force", is_flag=True, help="Replace the file at --output.")
def bench(
    bundle: Path,
    artifacts: tuple[str, ...],
    batch: int,
    length: int | None,
    threads: int,
    runs: int | None,
    seconds: float | None,
    keras: Path | None,
    stream: bool,
    chunks: tuple[int, ...],
    window: int | None,
    sample_rate: float | None,
    earlier_path: Path | None,
    fail_above: float | None,
    as_json: bool,
    output: Path | None,
    force: bool,
) -> None:
    """Measure a bundle's files on this machine: size, start, memory, latency.

    \b
        deeprnn-edge bench bundle
        deeprnn-edge bench bundle --batch 32 --seconds 5 -o this-device.json
        deeprnn-edge bench bundle --artifact model.tflite --keras gru.keras
        deeprnn-edge bench bundle --stream --sample-rate 100
        deeprnn-edge bench bundle --batch 32 --seconds 5 --compare this-device.json --fail-above 1.15

    The files take turns in one run, so that a busy moment hits them all. Each has to give the right
    answers first, within the difference that is shown; one that does not is not timed, and the exit
    code is 1. Load time, first call and memory are those of a fresh process that has started the runtime
    and nothing else; memory is what the file adds to it. The time of a call is the network's alone, on
    ready arrays: turning text into ids comes on top.

    With --stream, a push hands a stream its next steps, a chunk, and takes the answer after them. Times
    are in microseconds, on ready arrays, with the checks that a program pays for too:

    \b
        state bytes       what a stream remembers of one row, however long it runs
        p50 us, p99 us    one push: the median, and what 99 of 100 keep within
        step us           the median push divided by its steps
        steps/s           how many steps it could take in a second at that pace
        real-time factor  step us by the time between two steps at --sample-rate; below 1 it keeps up
        re-run us         the median answer without a stream: the last --window steps, all run again
        of re-run         the push by the re-run, of chunks shorter than that: 5% is a twentieth

    The calls run in ten blocks, and spread is how far apart the medians of these are; a row above 10% is
    marked noisy. With --compare, each latency is the median over its blocks, and the ratio of new to old
    has a 95% interval that follows from both runs' blocks. --fail-above 1.15 exits with 1 where the whole
    interval of a median latency (p50) is above 1.15, where a file is larger by more than that, and where
    a file of the old report does not run any more. Load time, first call and memory are single samples:
    shown, never held. It is refused for a report from another machine or with other --threads, which
    --compare alone shows with a note. What differs from one run to the next, such as a machine's pace, is
    not in the interval: leave a margin of 10% or more.
    """
    with hold_output(output, force=force):
        _check_together(
            stream, {"--length": length, "--keras": keras}, {"--window": window, "--sample-rate": sample_rate}
        )
        _check_together(stream, {}, {"--chunk": chunks or None})
        common: dict[str, Any] = {
            "artifacts": artifacts or None,
            "batch": batch,
            "threads": threads,
            "runs": runs,
            "seconds": seconds,
            "progress": say,
        }
        old = None
        if earlier_path is not None:
            old = _read_earlier(earlier_path, bundle, common, stream=stream, fail_above=fail_above)
        elif fail_above is not None:
            raise InputError(f"--fail-above {fail_above:g} has nothing to hold this against: add --compare OLD.JSON")
        report: Report
        if stream:
            report = stream_benchmarking.bench_stream(
                bundle, **common, chunks=chunks or None, window=window, sample_rate=sample_rate
            )
            table = stream_tables.format_report(report)
            wrong = [
                f"{one.name}: other answers than {one.reference}" for one in report.rows if one.status == "differs"
            ]
        else:
            report = benchmarking.bench(bundle, **common, length=length, keras=keras)
            table = bench_tables.format_report(report)
            names = [one.name for one in report.rows if one.status == "differs"]
            wrong = [f"{', '.join(names)}: other answers than {report.reference}"] if names else []
        comparison = None
        if old is not None and earlier_path is not None:
            comparison = compare_reports(earlier_path, old, report, fail_above=fail_above, artifacts=artifacts or None)
            table = f"{table}\n\n{format_comparison(comparison)}"
        text = to_json(report, comparison=None if comparison is None else dataclasses.asdict(comparison))
        if output is not None:
            write_output(output, text)
            click.echo(f"wrote {output}", err=True)
        click.echo(text if as_json else table, nl=not as_json)
        if wrong:
            raise ParityError(f"{'; '.join(wrong)}; see deeprnn-edge verify")
        if comparison is not None and comparison.failures:
            raise RegressionError(f"worse than {comparison.against}: {'; '.join(comparison.failures)}")


def _read_earlier(
    path: Path, bundle: Path, options: dict[str, Any], *, stream: bool, fail_above: float | None
) -> Report:
    """Read the earlier report, before anything is measured.

    Raises:
        InputError: where it cannot be compared with this.
    """
    check_limit(fail_above)
    old = read_earlier(path, stream=stream)
    check_same_model(path, old, name=open_bundle(bundle).manifest.name, batch=options["batch"])
    if fail_above is not None:
        machine, runs = describe_machine(), options["runs"]
        check_holdable(path, old, machine=machine, threads=options["threads"], artifacts=options["artifacts"])
        if runs is not None and 0 < runs < FEWEST_BLOCKS:
            raise InputError(f"runs {runs}: --fail-above takes {FEWEST_BLOCKS} or more to tell a regression from noise")
    return old


def _check_together(stream: bool, whole: dict[str, Any], streamed: dict[str, Any]) -> None:
    """Raise InputError for an option of whole sequences beside --stream, or one of streams without it."""
    for name, value in (whole if stream else streamed).items():
        if value is None:
            continue
        if not stream:
            raise InputError(f"{name} is for streams: add --stream, or leave it out")
        instead = "give --window" if name == "--length" else "leave it out"
        raise InputError(f"{name} is for whole sequences: with --stream, {instead}")
