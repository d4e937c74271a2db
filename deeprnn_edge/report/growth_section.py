"""How the time of a call grows with the length of the sequences and with the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from deeprnn_edge.report.collecting import Bench, ReportData
from deeprnn_edge.report.markup import Cell, Html, Rows, Section, Table, figure, number, paragraph, section, tag
from deeprnn_edge.report.measurements import describe_machine
from deeprnn_edge.report.plane_chart import Axis, Point, Series, lines_chart
from deeprnn_edge.report.scales import format_ms, format_tick

Over = Literal["length", "batch"]
_NAMES: dict[Over, str] = {"length": "time steps", "batch": "batch"}


def growth_section(data: ReportData) -> Section:
    """A figure for each device and each of length and batch that measurements vary alone."""
    overs: tuple[Over, ...] = ("length", "batch")
    figures = [found for over in overs for benches in _groups(data.benches, over) if (found := _growth(benches, over))]
    drawn = [
        figure(f"growth-figure-{index}", chart, caption, table) for index, (chart, caption, table) in enumerate(figures)
    ]
    if not drawn:
        command = f"deeprnn-edge bench {data.bundle} --batch 8 -o batch-8.json"
        drawn = [
            paragraph(
                "Growth takes two or more measurements on one device that differ in --length alone or in --batch "
                "alone, such as another by ",
                tag("code", command),
                ", each given with --bench.",
            )
        ]
    return section("growth", "Growth", *drawn)


def fit_slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The slope of the least-squares line through the logarithms: y grows as x to that power."""
    log_x, log_y = [math.log(x) for x in xs], [math.log(y) for y in ys]
    mean_x, mean_y = sum(log_x) / len(log_x), sum(log_y) / len(log_y)
    across = sum((x - mean_x) ** 2 for x in log_x)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(log_x, log_y, strict=True)) / across


def _groups(benches: Sequence[Bench], over: Over) -> list[list[Bench]]:
    """Measurements that differ in ``over`` alone: two or more of its values, the first measurement of each."""
    found: dict[tuple[object, ...], dict[int, Bench]] = {}
    for bench in benches:
        options = bench.measurement.options
        value, other = (options.length, options.batch) if over == "length" else (options.batch, options.length)
        if value is not None:
            key = (describe_machine(bench.measurement), options.threads, other)
            found.setdefault(key, {}).setdefault(value, bench)
    return [[group[value] for value in sorted(group)] for group in found.values() if len(group) > 1]


def _growth(benches: Sequence[Bench], over: Over) -> tuple[Html, str, Table] | None:
    """The chart, its caption and its table; None where no file is in two of the measurements."""
    times: dict[str, list[tuple[int, float]]] = {}
    for bench in benches:
        options = bench.measurement.options
        value = (options.length if over == "length" else options.batch) or 0
        for row in bench.measurement.rows:
            if row.timing:
                times.setdefault(row.name, []).append((value, row.timing.p50_ms))
    unit, first = _NAMES[over], benches[0].measurement
    other = f"batch {first.options.batch}" if over == "length" else f"{first.options.length or 'any'} steps"
    where = f"{describe_machine(first)}, {other}, {first.options.threads} thread{'s' * (first.options.threads > 1)}"
    series: list[Series] = []
    rows: Rows = []
    slopes: list[str] = []
    for name, pairs in times.items():
        if len(pairs) < 2:
            continue
        slope = fit_slope(*zip(*pairs, strict=True))
        slopes.append(f"{name} {slope:.2f} (from {len(pairs)})")
        points = [Point(value, p50, f"{name}, {unit} {value:,}: p50 {format_ms(p50)} ms") for value, p50 in pairs]
        series.append(Series(name, points))
        rows += [[name, number(value), _ms(p50), number(slope, f"{slope:.2f}")] for value, p50 in pairs]
    if not series:
        return None
    chart = lines_chart(
        series,
        label=f"Median time of a call against {unit} of {len(series)} files on {where}; the table has the numbers",
        x=Axis(f"{unit} (logarithmic)", format_tick, log=True),
        y=Axis("p50, milliseconds (logarithmic)", format_tick, log=True),
    )
    caption = (
        f"{where}. Both axes are logarithmic: the slope is the power that the time grows by, 1 where twice as much "
        f"takes twice as long. Fitted slopes, with the number of measurements: {', '.join(slopes)}."
    )
    return chart, caption, Table(f"Time of a call against {unit}, {where}", ["file", unit, "p50 ms", "slope"], rows)


def _ms(value: float) -> Cell:
    return number(value, format_ms(value))
