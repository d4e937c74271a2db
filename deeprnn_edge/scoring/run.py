"""Score a corpus: plan, go on from what is done, hand out, count, put in place."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.scoring import run_settings
from deeprnn_edge.scoring.answers import answer_names
from deeprnn_edge.scoring.cluster import check_sight, open_client, run_partitions
from deeprnn_edge.scoring.corpus import find_files, read_source
from deeprnn_edge.scoring.output_folder import OutputFolder
from deeprnn_edge.scoring.partition_scorer import Job, is_done
from deeprnn_edge.scoring.partitions import Partition, describe_rows, plan_partitions
from deeprnn_edge.scoring.progress import Progress
from deeprnn_edge.scoring.shipped_model import load_shipped, ship_model

FORMAT_VERSION = 1
_NOT_THERE = "its file is missing or damaged, after it was written"


@dataclass(frozen=True)
class Failure:
    """Hold a partition without answers: its rows, counted from 0, and what went wrong in the last attempt."""

    path: str
    first_row: int
    rows: int
    error: str

    def __str__(self) -> str:
        return f"{describe_rows(self.path, self.first_row, self.rows)} ({self.error})"


@dataclass(frozen=True)
class Summary:
    """Hold what became of a corpus.

    Attributes:
        output: the folder that holds the answers; that of the unfinished ones where partitions failed.
        rows, partitions: of the corpus.
        skipped: partitions that were done before.
        seconds: of the whole run, with the start of the workers.
        rows_per_second: of those that this run has scored.
    """

    output: str
    rows: int
    partitions: int
    skipped: int
    failed: tuple[Failure, ...]
    seconds: float
    rows_per_second: float
    workers: int


@dataclass(frozen=True)
class Options:
    """Hold what a run depends on beside bundle, inputs and output.

    Attributes:
        column: of the inputs, what the model reads.
        artifact: of the bundle; None for the one that ``load`` takes.
        prefix: what the names of the answer columns begin with.
        partition_rows: the most rows of a partition.
        scheduler: the address of a Dask cluster; None for so many local ``workers``.
        force: start over where the output is of another model, corpus or column.
    """

    column: str
    artifact: str | None
    prefix: str
    partition_rows: int
    scheduler: str | None
    workers: int
    force: bool


def score(
    bundle: Path,
    inputs: Sequence[str],
    output: Path,
    options: Options,
    *,
    say: Callable[[str], None],
    show: Callable[[str], None],
) -> Summary:
    """Score every row of the files that match ``inputs`` into the folder ``output``.

    Args:
        bundle: its path.
        inputs: paths and patterns.
        output: the folder to make.
        options: what else the run depends on.
        say: takes a line that stays.
        show: takes a line of progress, which stands for the one before.

    Raises:
        BusyError: where another run writes the folder.
        InputError: for what cannot be used, before any row is read.
        ScoringError: where the scheduler goes away.
    """
    started = time.perf_counter()
    folder = OutputFolder(output)
    with folder.held():
        try:
            return _score(bundle, inputs, output, options, folder, started, say=say, show=show)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"the partitions that are done stay, and {output} is as it was; the same command goes on with the rest"
            )
            raise


def to_json(summary: Summary) -> str:
    """Return the summary as JSON text, with ``format_version``."""
    return json.dumps({"format_version": FORMAT_VERSION, **dataclasses.asdict(summary)}, indent=2) + "\n"


def _score(
    bundle: Path,
    inputs: Sequence[str],
    output: Path,
    options: Options,
    folder: OutputFolder,
    started: float,
    *,
    say: Callable[[str], None],
    show: Callable[[str], None],
) -> Summary:
    content, identity = ship_model(bundle, options.artifact)
    manifest = load_shipped(content).manifest  # whatever it cannot run on is said here, not by each worker
    names = answer_names(manifest, options.prefix)
    files = find_files(inputs)
    folder.refuse_inputs(files)
    sources = tuple(read_source(file, options.column, manifest.preprocessing, answers=names) for file in files)
    settings = run_settings.RunSettings(
        run_settings.FORMAT_VERSION, identity, options.column, options.prefix, options.partition_rows, sources
    )
    folder.recover()
    folder.check(settings, force=options.force)
    partitions = plan_partitions(sources, options.partition_rows)
    fingerprint = settings.fingerprint()
    target = folder.find(settings)
    pending = [partition for partition in partitions if not is_done(target, partition, fingerprint)]
    if skipped := len(partitions) - len(pending):
        say(f"{skipped:,} of {len(partitions):,} partitions are done already")
    failed: tuple[Failure, ...] = ()
    workers = 0
    if pending:
        job = Job(str(folder.partial), options.column, options.prefix, fingerprint)
        with open_client(options.scheduler, workers=min(options.workers, len(pending))) as client:
            workers = len(client.nthreads())
            folder.begin(settings)
            say(f"{len(pending):,} partitions on {workers} worker{'s' if workers > 1 else ''}")
            failed = _run(client, job, content, pending, say=say, show=show)
    elif target == folder.path:
        folder.abandon_other(settings)
    else:
        folder.begin(settings)
    if not failed and (pending or target == folder.partial):
        folder.publish()
    seconds = time.perf_counter() - started
    scored = sum(partition.rows for partition in pending) - sum(failure.rows for failure in failed)
    return Summary(
        output=str(output.with_name(folder.partial.name) if failed else output),
        rows=sum(source.rows for source in sources),
        partitions=len(partitions),
        skipped=skipped,
        failed=failed,
        seconds=seconds,
        rows_per_second=scored / seconds,
        workers=workers,
    )


def _run(
    client: Any,
    job: Job,
    content: bytes,
    pending: Sequence[Partition],
    *,
    say: Callable[[str], None],
    show: Callable[[str], None],
) -> tuple[Failure, ...]:
    """Run the partitions, and return those of which there is no file at the end, in their order."""
    check_sight(client, sorted({job.folder, *(partition.source.path for partition in pending)}))
    progress = Progress(len(pending), sum(partition.rows for partition in pending), show)
    errors = {}
    for partition, error in run_partitions(client, job, content, pending):
        if error is not None:
            errors[partition.number] = error
            say(f"failed: {partition}: {error}")
        progress.add(partition.rows)
    # The files decide: one may be gone, or have been replaced by a worker that still ran for other settings.
    return tuple(
        Failure(partition.source.path, partition.first_row, partition.rows, errors.get(partition.number, _NOT_THERE))
        for partition in pending
        if not is_done(Path(job.folder), partition, job.fingerprint)
    )
