"""Show what a step of a stream costs, by the steps of a push."""

from __future__ import annotations

from deeprnn_edge.bench.results import StreamBenchReport
from deeprnn_edge.report.collecting import Bench, ReportData
from deeprnn_edge.report.latency_section import measurements_table
from deeprnn_edge.report.markup import Cell, Html, Rows, Section, Table, figure, number, paragraph, section, tag
from deeprnn_edge.report.plane_chart import Axis, Point, Series, lines_chart
from deeprnn_edge.report.scales import format_ms, format_tick


def stream_section(data: ReportData) -> Section | None:
    """Make a figure for each measurement of streams; None for a bundle that has no streams."""
    if not any(artifact.kind == "stream" for artifact in data.manifest.artifacts):
        return None
    if not data.streams:
        command = f"deeprnn-edge bench {data.bundle} --stream -o stream.json"
        ask = paragraph(
            "No measurement of the streams was given: ", tag("code", command), ", then --bench stream.json."
        )
        return section("streams", "Streams", ask)
    parts = [_streams(bench) for bench in data.streams]
    return section("streams", "Streams", measurements_table(data.streams), *parts)


def _streams(bench: Bench[StreamBenchReport]) -> Html:
    series: list[Series] = []
    rows: Rows = []
    problems: list[str] = []
    for row in bench.report.rows:
        if row.problem:
            problems.append(f"{row.name}: {row.status}. {row.problem}")
        points = []
        again = row.window.timing
        for push in row.pushes:
            if push.timing is None or push.step_us is None:
                problems.append(f"{row.name}, chunks of {push.chunk}: {push.problem or 'not timed'}")
                continue
            says = f"{row.name}, chunk {push.chunk:,}: {format_ms(push.step_us)} microseconds a step"
            points.append(Point(push.chunk, push.step_us, says))
            rows.append(
                [
                    row.name,
                    number(push.chunk),
                    number(push.step_us, format_ms(push.step_us)),
                    _us(push.timing.p50_ms),
                    _us(push.timing.p99_ms),
                    _us(again.p50_ms) if again else number(None),
                    number(row.state_bytes),
                ]
            )
        if points:
            series.append(Series(row.name, points))
    said = [tag("ul", *(tag("li", f"{bench.key}, {one}") for one in problems))] if problems else []
    if not series:
        return tag("div", paragraph(f"{bench.label}: no stream was timed."), *said)
    chart = lines_chart(
        series,
        label=f"Time of a step against the steps of a push, of {len(series)} streams; the table has the numbers",
        x=Axis("steps of one push (logarithmic)", format_tick, log=True),
        y=Axis("microseconds a step (logarithmic)", format_tick, log=True),
    )
    caption = (
        f"{bench.label}. The median push divided by its steps. More steps in a push share the cost of the call; "
        f"in the table, re-run is the time of the last {bench.report.options.window} steps without a stream."
    )
    columns = ["stream", "chunk", "step µs", "p50 µs", "p99 µs", "re-run µs", "state bytes"]
    table = Table(f"Time of a step by stream and chunk, {bench.label}", columns, rows)
    return tag("div", figure(f"stream-figure-{bench.key}", chart, caption, table), *said)


def _us(milliseconds: float) -> Cell:
    return number(milliseconds * 1e3, format_ms(milliseconds * 1e3))
