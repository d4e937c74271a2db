"""Do a worker's part: the rows of one partition in, one file of answers out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.inference.model import Model
from deeprnn_edge.scoring.answers import answer_column, answer_names
from deeprnn_edge.scoring.partitions import Partition
from deeprnn_edge.scoring.row_reader import RowReader

_KEY = b"deeprnn_edge.score"


@dataclass(frozen=True)
class Job:
    """Hold what all partitions of a run have in common.

    Attributes:
        folder: that the files of answers go to, absolute.
        column: what the model reads.
        prefix: what the names of the answer columns begin with.
        fingerprint: of the run's settings.
    """

    folder: str
    column: str
    prefix: str
    fingerprint: str


class PartitionScorer:
    """Answer partitions with one model. ``score`` may be called from several threads at once."""

    def __init__(self, job: Job, model: Model) -> None:
        self._job = job
        self._model = model
        self._names = answer_names(model.manifest, job.prefix)
        self._open = threading.local()

    def score(self, partition: Partition) -> None:
        """Write the partition's rows, every column of them, with the answers beside.

        The file is whole under its name or not there.

        Raises:
            InputError: for a file that has changed since the run was planned, for a row that the model does not take,
                and where nothing can be written.
        """
        table = self._read(partition)
        arrays = answer_column(self._model, table.column(self._job.column), first_row=partition.first_row)
        for name, array in zip(self._names, arrays, strict=True):
            table = table.append_column(name, array)
        mark = {_KEY: _mark(self._job.fingerprint, partition)}
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **mark}), sink)
        write_output(Path(self._job.folder) / partition.name, sink.getvalue().to_pybytes())

    def _read(self, partition: Partition) -> pa.Table:
        reader: RowReader | None = getattr(self._open, "reader", None)
        self._open.reader = None  # an error leaves it in the middle
        if reader is None or reader.source != partition.source:
            if reader is not None:
                reader.close()
            reader = RowReader(partition.source)
        table = reader.read(partition.first_row, partition.rows)
        self._open.reader = reader
        return table


def is_done(folder: Path, partition: Partition, fingerprint: str) -> bool:
    """Tell by the rows and the mark in its footer whether a folder holds the partition's answers of those settings."""
    try:
        footer = pq.read_metadata(folder / partition.name)
    except (OSError, pa.ArrowException):  # not there, or cut short by a disk that lost power
        return False
    return bool(
        footer.num_rows == partition.rows and (footer.metadata or {}).get(_KEY) == _mark(fingerprint, partition)
    )


def _mark(fingerprint: str, partition: Partition) -> bytes:
    return f"{fingerprint} {partition.number}".encode("ascii")
