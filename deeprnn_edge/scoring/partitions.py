"""Cut a corpus into ranges of rows, by the files and the size of a partition alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FEWEST_DIGITS = 5


@dataclass(frozen=True)
class Source:
    """Hold one Parquet file of the corpus, as it was when the run was planned.

    Attributes:
        path: absolute.
        modified_ns: nanoseconds since 1970.
    """

    path: str
    rows: int
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True)
class Partition:
    """Hold rows ``first_row`` to ``first_row + rows - 1`` of a file, counted from 0; at least one.

    Attributes:
        name: of the file that its answers go to.
    """

    number: int
    source: Source
    first_row: int
    rows: int
    name: str

    def __str__(self) -> str:
        return describe_rows(self.source.path, self.first_row, self.rows)


def describe_rows(path: str, first_row: int, rows: int) -> str:
    """Describe rows of a file, counted from 0, for a message."""
    return f"{path} rows {first_row:,} to {first_row + rows - 1:,}"


def plan_partitions(sources: Sequence[Source], partition_rows: int) -> list[Partition]:
    """Put every row of the corpus into exactly one partition, in the order of files and rows.

    The names sort in that order too: ``00002-reviews.parquet`` is the third partition, of ``reviews.parquet``.
    """
    ranges = [
        (source, first, min(partition_rows, source.rows - first))
        for source in sources
        for first in range(0, source.rows, partition_rows)
    ]
    digits = max(_FEWEST_DIGITS, len(str(len(ranges) - 1)))
    return [
        Partition(number, source, first, rows, f"{number:0{digits}}-{Path(source.path).stem}.parquet")
        for number, (source, first, rows) in enumerate(ranges)
    ]
