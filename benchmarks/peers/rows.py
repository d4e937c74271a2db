"""Answer what the page, the picture and the tables ask of a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.report.markup import Html, tag

Row = Mapping[str, Any]
Workload = Mapping[str, Any]
# What the others are compared with; where a workload streams, the stream's file.
REFERENCES = ("ours-stream-onnx", "ours-onnx")


def timed(workload: Workload) -> list[Row]:
    """Return the entries that were timed, the fastest median first."""
    return sorted((row for row in workload["contenders"] if row["timing"]), key=p50_ms)


def p50_ms(row: Row) -> float:
    """Return the median of a row that was timed."""
    return float(row["timing"]["p50_ms"])


def reference(workload: Workload) -> Row | None:
    """Return our ONNX file's row; None where it was not timed."""
    rows = {row["name"]: row for row in timed(workload)}
    return next((rows[name] for name in REFERENCES if name in rows), None)


def titles(workloads: Sequence[Workload]) -> dict[str, str]:
    """Return each entry's name and title, in the order in which they come."""
    return {row["name"]: row["title"] for workload in workloads for row in workload["contenders"]}


def row_of(workload: Workload, name: str) -> Row | None:
    """Return an entry's row; None where it takes no part in a workload."""
    return next((row for row in workload["contenders"] if row["name"] == name), None)


def not_ok(workloads: Sequence[Workload]) -> Iterator[tuple[Workload, Row]]:
    """Return the rows that were not measured, or that answer differently."""
    return ((one, row) for one in workloads for row in one["contenders"] if row["status"] != "ok")


def times_of(row: Row) -> Timing:
    """Return the times of a row that was timed, as a report shows them."""
    return Timing(**row["timing"])


def fold(tables: Sequence[Html]) -> list[Html]:
    """Put the tables of the workloads that have no figure under one heading to unfold."""
    return (
        [tag("details", tag("summary", f"The tables of the {len(tables)} other workloads"), *tables)] if tables else []
    )
