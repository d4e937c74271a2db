"""Tell what a start takes, what a process holds, and which entry is worth its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.rows import Workload, fold, p50_ms
from deeprnn_edge.report.markup import (
    Cell,
    Html,
    Rows,
    Section,
    Table,
    figure,
    join,
    number,
    paragraph,
    render_table,
    section,
    tag,
)
from deeprnn_edge.report.pareto import find_front
from deeprnn_edge.report.plane_chart import Axis, Point, points_chart
from deeprnn_edge.report.scales import format_bytes, format_ms, format_tick

_COLUMNS = ["entry", "import ms", "load ms", "first call ms", "resident bytes", "CPU s per call", "bytes"]


def starts_section(result: Mapping[str, Any]) -> Section:
    """Make a table for each workload: those of the seed models open, the others under one heading to unfold."""
    tables = [(one["group"] == "seed", _starts(one)) for one in result["workloads"]]
    shown = [table for seed, table in tables if seed and table]
    rest = [table for seed, table in tables if not seed and table]
    about = paragraph(
        "Each entry starts in a fresh process. Import is that of its package, where NumPy is already there; "
        "load ends when the model is ready; then comes the first call. Resident is the process's memory after it. "
        "Bytes are those that would be shipped."
    )
    return section("starts", "Starts and memory", about, *shown, *fold(rest))


def tradeoff_section(result: Mapping[str, Any]) -> Section:
    """Draw bytes against the median for each seed model on full sequences, with the Pareto front."""
    found = [
        (one, rows)
        for one in result["workloads"]
        if one["group"] == "seed" and one["lengths"] == "full"
        for rows in [[row for row in one["contenders"] if row["timing"] and row["size_bytes"]]]
        if rows
    ]
    if not found:
        return section("tradeoff", "Size and latency", paragraph("No seed model was timed."))
    figures = [_tradeoff(f"tradeoff-figure-{index}", one, rows) for index, (one, rows) in enumerate(found)]
    return section("tradeoff", "Size and latency", *figures)


def _starts(workload: Workload) -> Html | None:
    rows: Rows = [
        [
            row["title"],
            _ms(row["import_ms"]),
            _ms(row["load_ms"]),
            _ms(row["first_call_ms"]),
            number(row["resident_bytes"]),
            number(None) if cpu is None else number(cpu, f"{cpu:.3g}"),
            number(row["size_bytes"]),
        ]
        for row in workload["contenders"]
        if row["load_ms"] is not None
        for cpu in [row["timing"]["cpu_seconds_per_call"] if row["timing"] else None]
    ]
    return render_table(Table(f"Start and memory: {workload['title']}", _COLUMNS, rows)) if rows else None


def _tradeoff(name: str, workload: Workload, entries: list[Mapping[str, Any]]) -> Html:
    front = find_front([(row["size_bytes"], p50_ms(row)) for row in entries])
    points: list[Point] = []
    rows: Rows = []
    for row, on_front in zip(entries, front, strict=True):
        says = f"{row['title']}: {row['size_bytes']:,} bytes, p50 {format_ms(p50_ms(row))} ms"
        points.append(Point(row["size_bytes"], p50_ms(row), says, row["title"], hollow=not on_front))
        rows.append([row["title"], number(row["size_bytes"]), _ms(p50_ms(row)), "yes" if on_front else "no"])
    chart = points_chart(
        points,
        label=f"{workload['title']}: bytes against median latency of {len(points)} entries; the table has the numbers",
        x=Axis("bytes to ship", format_bytes),
        y=Axis("p50, milliseconds (logarithmic)", format_tick, log=True),
        front=sorted((point for point in points if not point.hollow), key=lambda point: point.x),
    )
    caption = (
        f"{workload['title']}. Down and to the left is better. Filled shapes, which a dashed line joins, are the "
        "Pareto front: no other entry is as small and as fast and better in something. Hollow ones are beaten by "
        "another. An entry without a name beside it had no room for it, and stands in the table."
    )
    table = Table(f"Size and latency: {workload['title']}", ["entry", "bytes", "p50 ms", "on the front"], rows)
    return join([tag("h3", workload["title"]), figure(name, chart, caption, table)])


def _ms(value: float | None) -> Cell:
    return number(None) if value is None else number(value, format_ms(value))
