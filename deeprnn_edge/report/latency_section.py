"""Show what the files cost on each device: times, starts, and which file is worth having."""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.bench.results import BenchReport, BenchResult, StreamBenchReport
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.report.collecting import Bench, ReportData, accuracy_of
from deeprnn_edge.report.markup import (
    Html,
    Rows,
    Section,
    Table,
    figure,
    number,
    paragraph,
    render_table,
    section,
    tag,
)
from deeprnn_edge.report.pareto import find_front
from deeprnn_edge.report.plane_chart import Axis, Point, points_chart
from deeprnn_edge.report.rows_chart import ChartRow
from deeprnn_edge.report.scales import format_bytes, format_ms, format_tick
from deeprnn_edge.report.times_figure import TIMES_CAPTION, TIMES_COLUMNS, times_cells, times_chart, times_row
from deeprnn_edge.runtimes import RUNTIMES

_TITLES = {name: runtime.title for name, runtime in RUNTIMES.items()} | {"keras": "Keras"}
_HATCHES = ("diagonal", "dashes", "crossed", "lines")


def latency_section(data: ReportData) -> Section:
    """Show the distribution of each file's times, by measurement, and what its start takes."""
    if not data.benches:
        return section("latency", "Latency", _ask(data, "times, start and memory of each file"))
    timed = [(bench, row, row.timing) for bench in data.benches for row in bench.report.rows if row.timing]
    problems = [
        tag("li", f"{bench.key}, {row.name} was not timed: {row.status}. {row.problem or ''}")
        for bench in data.benches
        for row in bench.report.rows
        if not row.timing
    ]
    parts = [_distribution(timed)] if timed else []
    problems += [
        tag("li", f"{bench.key}, {row.name}: the machine was busy or changed its pace, so these times are rough.")
        for bench, row, timing in timed
        if timing.noisy
    ]
    parts += [tag("ul", *problems)] if problems else []
    return section("latency", "Latency", measurements_table(data.benches), *parts, *_starts(data))


def tradeoff_section(data: ReportData) -> Section:
    """Show size against latency against accuracy, once for each device, with the Pareto front."""
    if not data.benches:
        return section("tradeoff", "Size, latency and accuracy", _ask(data, "the Pareto front"))
    first = {(one.device, one.report.options.threads): one for one in data.benches[::-1]}
    parts = [_tradeoff(data, bench) for bench in data.benches if bench in first.values()]
    note = paragraph("Of several measurements on a device, this shows the one that was given first.")
    return section(
        "tradeoff", "Size, latency and accuracy", *([note] if len(first) < len(data.benches) else []), *parts
    )


def measurements_table(benches: Sequence[Bench[BenchReport] | Bench[StreamBenchReport]]) -> Html:
    """List what each letter stands for."""
    rows: Rows = [
        [
            bench.key,
            bench.device,
            bench.machine_text("os") or "–",
            number(bench.report.options.batch),
            number(bench.steps),
            number(bench.report.options.threads),
            bench.machine_text("packages", "onnxruntime") or "–",
            bench.path.name,
        ]
        for bench in benches
    ]
    columns = ["key", "device", "system", "batch", "steps", "threads", "onnxruntime", "from"]
    return render_table(Table("The measurements", columns, rows))


def _distribution(timed: list[tuple[Bench[BenchReport], BenchResult, Timing]]) -> Html:
    chart_rows: list[ChartRow] = []
    rows: Rows = []
    for index, (bench, row, timing) in enumerate(timed):
        if index == 0 or timed[index - 1][0] is not bench:
            chart_rows.append(ChartRow(bench.label))
        look = [*_TITLES, row.format].index(row.format)
        chart_rows.append(times_row(row.name, bench.key, timing, look))
        rows.append([row.name, bench.key, *times_cells(timing)])
    chart = times_chart(
        chart_rows,
        label=f"Time of a call, of {len(timed)} files and measurements, from the fastest call to the 99th percentile; "
        "the table has the numbers",
    )
    *others, last = (f"{title} ({hatch})" for title, hatch in zip(_TITLES.values(), _HATCHES, strict=False))
    caption = f"{TIMES_CAPTION}Hatching tells {', '.join(others)} and {last} apart."
    columns = ["file", "measurement", *TIMES_COLUMNS]
    return figure("latency-figure", chart, caption, Table("Time of a call by file and measurement", columns, rows))


def _starts(data: ReportData) -> list[Html]:
    rows: Rows = [
        [
            row.name,
            bench.key,
            number(row.start.load_ms, format_ms(row.start.load_ms)),
            number(row.start.first_call_ms, format_ms(row.start.first_call_ms)),
            number(row.start.resident_added_bytes),
        ]
        for bench in data.benches
        for row in bench.report.rows
        if row.start
    ]
    columns = ["file", "measurement", "load ms", "first call ms", "memory added, bytes"]
    return [render_table(Table("Start in a fresh process", columns, rows))] if rows else []


def _tradeoff(data: ReportData, bench: Bench[BenchReport]) -> Html:
    timings = {row.name: row.timing for row in bench.report.rows if row.timing}
    found = [(one, timing) for one in data.manifest.artifacts if (timing := timings.get(one.path))]
    if not found:
        return paragraph(f"{bench.label}: none of the bundle's files was timed.")
    accuracies = [accuracy_of(artifact) for artifact, _ in found]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    compared = known if len(known) == len(found) else [0.0] * len(found)
    costs = [(one.size_bytes, time.p50_ms, -right) for (one, time), right in zip(found, compared, strict=True)]
    points: list[Point] = []
    rows: Rows = []
    for (artifact, timing), accuracy, on_front in zip(found, accuracies, find_front(costs), strict=True):
        right = "" if accuracy is None else f", {accuracy:.2%}"
        says = f"{artifact.path}: {artifact.size_bytes:,} bytes, p50 {format_ms(timing.p50_ms)} ms{right}"
        label = f"{artifact.path}{right}"
        points.append(Point(artifact.size_bytes, timing.p50_ms, says, label, hollow=not on_front))
        rows.append(
            [
                artifact.path,
                number(artifact.size_bytes),
                number(timing.p50_ms, format_ms(timing.p50_ms)),
                number(None) if accuracy is None else number(accuracy, f"{accuracy:.2%}"),
                "yes" if on_front else "no",
            ]
        )
    chart = points_chart(
        points,
        label=f"File size against median latency of {len(points)} files on {bench.label}; the table has the numbers",
        x=Axis("file size", format_bytes),
        y=Axis("p50, milliseconds", format_tick),
        front=sorted((point for point in points if not point.hollow), key=lambda point: point.x),
    )
    good = "as small, as fast and as accurate" if len(known) == len(found) else "as small and as fast"
    caption = (
        f"{bench.label}. Down and to the left is better. Filled shapes, which a dashed line joins, are the Pareto "
        f"front: no other file is {good} and better in something. Hollow ones are beaten by another. "
        + (
            "The accuracy stands beside the name, or, where that had no room, in the table."
            if known
            else "No accuracy is known."
        )
    )
    columns = ["file", "bytes", "p50 ms", "accuracy", "on the Pareto front"]
    table = Table(f"Size, latency and accuracy, {bench.label}", columns, rows)
    return figure(f"tradeoff-figure-{bench.key}", chart, caption, table)


def _ask(data: ReportData, what: str) -> Html:
    command = f"deeprnn-edge bench {data.bundle} -o bench.json"
    return paragraph(f"No measurement was given. For {what}: ", tag("code", command), ", then --bench bench.json.")
