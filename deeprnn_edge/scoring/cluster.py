"""Run the partitions on Dask's workers: local processes, or a cluster that is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, LocalCluster, Security, WorkerPlugin, as_completed, get_worker
from distributed.comm import connect

from deeprnn_edge.errors import DeepRNNEdgeError, InputError, ScoringError
from deeprnn_edge.scoring import local_worker
from deeprnn_edge.scoring.partition_scorer import Job, PartitionScorer
from deeprnn_edge.scoring.partitions import Partition
from deeprnn_edge.scoring.shipped_model import load_shipped

ATTEMPTS = 3
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 30


class ScorerPlugin(WorkerPlugin):
    """Bring the model to every worker, once: also to one that is started in place of one that died.

    Args:
        content: of ``ship_model``.
    """

    def __init__(self, name: str, job: Job, content: bytes) -> None:
        self.name = name
        self._job, self._content = job, content

    def setup(self, worker: Any) -> None:  # noqa: ARG002 - Dask's signature
        """Load the model in the worker's process."""
        self.scorer = PartitionScorer(self._job, load_shipped(self._content))


@contextlib.contextmanager
def open_client(scheduler: str | None, *, workers: int) -> Iterator[Client]:
    """Open a client of the cluster at an address, with a worker at least; without one, of so many local processes.

    Raises:
        InputError: where nothing answers there.
    """
    if scheduler is None:
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,  # turning text into ids holds Python's lock
            processes=True,
            dashboard_address=":0",  # else a second run on the machine warns that Dask's port is taken
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,  # each failed attempt would be a traceback
            preload=[local_worker.__name__],
        )
        with local, Client(local) as client:
            yield client
        return
    try:
        asyncio.run(_reach(scheduler))
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler}: {error}; start one with: dask scheduler, "
            "or leave scheduler= out for local processes"
        ) from error
    with Client(scheduler, timeout=_CONNECT_SECONDS) as client:
        try:
            client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"the scheduler at {scheduler} has no workers; start one with: dask worker {scheduler}"
            ) from error
        yield client


async def _reach(scheduler: str) -> None:
    """Connect once. A Client that cannot is never closed, and in distributed 2026.8 the next one may then hang."""
    comm = await connect(scheduler, timeout=_CONNECT_SECONDS, **Security().get_connection_args("client"))
    await comm.close()


def check_sight(client: Client, paths: Sequence[str]) -> None:
    """Check that every worker has this package, and sees the paths as this machine does.

    Raises:
        InputError: where one does not.
    """
    try:
        unseen: dict[str, list[str]] = client.run(_missing, list(paths))
    except ImportError as error:
        raise InputError(f"a worker lacks a package: {error}; there too: pip install 'deeprnn-edge[score]'") from error
    for worker, missing in unseen.items():
        if missing:
            raise InputError(
                f"the worker {worker} does not see {missing[0]}; inputs and output have to be on storage that "
                "every worker reaches under the same path"
            )


def run_partitions(
    client: Client, job: Job, content: bytes, partitions: Sequence[Partition]
) -> Iterator[tuple[Partition, str | None]]:
    """Yield each partition as it is over, with what went wrong in the last attempt, or None where it is written.

    A partition goes to another worker where its own dies, and is tried again where it fails.

    Args:
        client: of the cluster.
        job: what all partitions have in common.
        content: of ``ship_model``.
        partitions: what is to do.

    Raises:
        InputError: where the workers cannot load the model.
        ScoringError: where the scheduler goes away.
    """
    name = f"deeprnn-edge-{uuid.uuid4().hex}"
    by_key = {f"{name}-{partition.number}": partition for partition in partitions}
    client.register_plugin(ScorerPlugin(name, job, content))
    try:
        # No list of futures stays: a result that is still wanted would be computed again when its worker dies.
        for future in as_completed(_submit(client, name, by_key)):
            if future.cancelled():
                raise ScoringError("the scheduler went away; start it and run the same command again to go on")
            error = future.exception() if future.status == "error" else None
            yield by_key[future.key], None if error is None else _describe(error)
    finally:
        with contextlib.suppress(OSError):  # the scheduler that went away
            client.unregister_worker_plugin(name)


def _submit(client: Client, name: str, by_key: dict[str, Partition]) -> Iterable[Any]:
    tasks: Iterable[Any] = client.map(
        _score, list(by_key.values()), key=list(by_key), plugin=name, retries=ATTEMPTS - 1, pure=False
    )
    return tasks


def _score(partition: Partition, *, plugin: str) -> None:
    get_worker().plugins[plugin].scorer.score(partition)


def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not Path(path).exists()]


def _describe(error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        return (
            "the workers that had it ended, one after the other; less memory is needed with a smaller partition_rows="
        )
    text = " ".join(str(error).split())
    return text if isinstance(error, DeepRNNEdgeError) else f"{type(error).__name__}: {text}"
