"""Run ``deeprnn-edge score``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeprnn_edge.cli.commands.formats import DEFAULT, MODEL
from deeprnn_edge.cli.terminal import clear_line, say
from deeprnn_edge.errors import InputError, ScoringError
from deeprnn_edge.packages import require_score

if TYPE_CHECKING:
    from deeprnn_edge.scoring.run import Summary


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    required=True,
    metavar="PATTERN",
    help="Parquet files: a path, or a pattern in quotes such as 'data/*.parquet'; repeatable.",
)
@click.option("--column", required=True, help="What the model reads: a column of text, or of lists of ids.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder of Parquet files to make."
)
@click.option("--artifact", help=f"The file of the bundle that runs, such as {MODEL}. {DEFAULT}")
@click.option("--prefix", default="", help="Put ahead of the answer columns' names, for inputs that have such columns.")
@click.option(
    "--partition-rows",
    default=20_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="The most rows that are read, scored and written at once.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Local processes. Default: one for each core.")
@click.option("--scheduler", metavar="ADDRESS", help="Run on this Dask cluster, such as tcp://10.0.0.1:8786.")
@click.option("--force", is_flag=True, help="Replace scores of another model, corpus or column.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def score(
    bundle: Path,
    inputs: tuple[str, ...],
    column: str,
    output: Path,
    artifact: str | None,
    prefix: str,
    partition_rows: int,
    workers: int | None,
    scheduler: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Score a corpus of Parquet files, on all cores or on a cluster.

    \b
        deeprnn-edge score bundle --input 'data/*.parquet' --column text --output out
        deeprnn-edge score bundle -i 'data/*.parquet' --column text -o out --scheduler tcp://10.0.0.1:8786

    Every row of the inputs, in their order and with all their columns, comes out with the answers beside
    it: a column for each output of the model, a list where an output has several values, and the label
    where the model has labels. A null in the column answers null.

    The corpus is cut into partitions, and each makes one file. They gather in out.partial, which becomes
    out when the last one is there. A run that was stopped or killed goes on with the same command: a
    partition that is done is not done again. One that fails is tried three times, then reported with its
    file and rows (exit code 1); the others stay in out.partial. Rows are counted from 0.

    It runs on Dask: pip install 'deeprnn-edge[score]'. On a cluster the workers need the same, and inputs
    and output on storage that they all reach under the same path; the model is sent to them.
    """
    require_score()
    # Imported here, so that the help needs no extra.
    from deeprnn_edge.scoring import run

    if scheduler is not None and workers is not None:
        raise InputError("--workers counts local processes, and a --scheduler has its own: give one of the two")
    options = run.Options(
        column=column,
        artifact=artifact,
        prefix=prefix,
        partition_rows=partition_rows,
        scheduler=scheduler,
        workers=_count_cores() if workers is None else workers,
        force=force,
    )
    screen = _Screen()
    try:
        summary = run.score(bundle, inputs, output, options, say=screen.say, show=screen.show)
    finally:
        screen.end()
    click.echo(run.to_json(summary) if as_json else _describe(summary), nl=not as_json)
    if summary.failed:
        raise ScoringError(
            f"{len(summary.failed):,} of {summary.partitions:,} partitions failed, the first of them "
            f"{summary.failed[0]}; the others are in {summary.output}: run the same command again to try these alone"
        )


class _Screen:
    """Show lines on stderr: those that stay, and now and then one of progress, in a terminal always the same."""

    def __init__(self) -> None:
        self._overwrites = sys.stderr.isatty()
        self._seconds_between = 0.2 if self._overwrites else 5.0
        self._next = 0.0
        self._waiting = ""
        self._open = False

    def say(self, line: str) -> None:
        self.end()
        say(line)

    def show(self, line: str) -> None:
        self._waiting = line
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds_between
            self._write()

    def end(self) -> None:
        """Show the last line of progress, and begin another."""
        if self._waiting:
            self._write()
        if self._open:
            click.echo(err=True)
            self._open = False

    def _write(self) -> None:
        if self._overwrites:
            clear_line()
        click.echo(self._waiting, nl=not self._overwrites, err=True)
        self._waiting, self._open = "", self._overwrites


def _count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _describe(summary: Summary) -> str:
    scored = f"{summary.rows:,} rows in {summary.partitions:,} partitions"
    if summary.skipped:
        scored += f", {summary.skipped:,} of them done before"
    if summary.failed:
        scored += f", {len(summary.failed):,} of them failed"
    workers = f"{summary.workers} worker{'s' if summary.workers > 1 else ''}"
    pace = f"{summary.seconds:.1f} s, {summary.rows_per_second:,.0f} rows/s on {workers}"
    return f"{summary.output}: {scored}; {pace if summary.workers else 'nothing left to do'}"
