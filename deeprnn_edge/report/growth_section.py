"""Show how the time of a call grows with the length of the sequences and with the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from deeprnn_edge.bench.results import BenchReport
from deeprnn_edge.report.collecting import Bench, ReportData
from deeprnn_edge.report.growth_chart import Curve, growth_chart, growth_table
from deeprnn_edge.report.markup import Html, Section, Table, figure, paragraph, section, tag

Over = Literal["length", "batch"]
_NAMES: dict[Over, str] = {"length": "time steps", "batch": "batch"}


def growth_section(data: ReportData) -> Section:
    """Make a figure for each device and each of length and batch that measurements vary alone."""
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
    """Return the slope of the least-squares line through the logarithms: y grows as x to that power."""
    log_x, log_y = [math.log(x) for x in xs], [math.log(y) for y in ys]
    mean_x, mean_y = sum(log_x) / len(log_x), sum(log_y) / len(log_y)
    across = sum((x - mean_x) ** 2 for x in log_x)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(log_x, log_y, strict=True)) / across


def _groups(benches: Sequence[Bench[BenchReport]], over: Over) -> list[list[Bench[BenchReport]]]:
    """Find measurements that differ in ``over`` alone: two or more of its values, the first measurement of each."""
    found: dict[tuple[object, ...], dict[int, Bench[BenchReport]]] = {}
    for bench in benches:
        options = bench.report.options
        value, other = (options.length, options.batch) if over == "length" else (options.batch, options.length)
        if value is not None:
            key = (bench.device, options.threads, other)
            found.setdefault(key, {}).setdefault(value, bench)
    return [[group[value] for value in sorted(group)] for group in found.values() if len(group) > 1]


def _growth(benches: Sequence[Bench[BenchReport]], over: Over) -> tuple[Html, str, Table] | None:
    """Make the chart, its caption and its table; None where no file is in two of the measurements."""
    times: dict[str, list[tuple[int, float]]] = {}
    for bench in benches:
        options = bench.report.options
        value = (options.length if over == "length" else options.batch) or 0
        for result in bench.report.rows:
            if result.timing:
                times.setdefault(result.name, []).append((value, result.timing.p50_ms))
    unit, first = _NAMES[over], benches[0]
    other = (
        f"batch {first.report.options.batch}" if over == "length" else f"{first.report.options.length or 'any'} steps"
    )
    where = f"{first.device}, {other}, {first.threads}"
    curves = [
        Curve(name, pairs, fit_slope(*zip(*pairs, strict=True))) for name, pairs in times.items() if len(pairs) > 1
    ]
    if not curves:
        return None
    chart = growth_chart(
        curves,
        unit,
        label=f"Median time of a call against {unit} of {len(curves)} files on {where}; the table has the numbers",
    )
    slopes = [f"{one.name} {one.slope:.2f} (from {len(one.points)})" for one in curves]
    caption = (
        f"{where}. Both axes are logarithmic: the slope is the power that the time grows by, 1 where twice as much "
        f"takes twice as long. Fitted slopes, with the number of measurements: {', '.join(slopes)}."
    )
    table = growth_table(curves, unit, caption=f"Time of a call against {unit}, {where}", first="file")
    return chart, caption, table
