"""Draw times against what they grow with: a line for each thing that was timed, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deeprnn_edge.report.markup import Html, Rows, Table, number
from deeprnn_edge.report.plane_chart import Axis, Point, Series, lines_chart
from deeprnn_edge.report.scales import format_ms, format_tick


@dataclass(frozen=True)
class Curve:
    """Hold values and medians in milliseconds, by value, and the slope of the line through their logarithms."""

    name: str
    points: Sequence[tuple[float, float]]
    slope: float


def growth_chart(curves: Sequence[Curve], unit: str, *, label: str) -> Html:
    """Draw a line for each curve; ``unit`` is what the values count."""
    series = [
        Series(
            one.name,
            [Point(x, p50, f"{one.name}, {unit} {x:,}: p50 {format_ms(p50)} ms") for x, p50 in one.points],
        )
        for one in curves
    ]
    return lines_chart(
        series,
        label=label,
        x=Axis(f"{unit} (logarithmic)", format_tick, log=True),
        y=Axis("p50, milliseconds (logarithmic)", format_tick, log=True),
    )


def growth_table(curves: Sequence[Curve], unit: str, *, caption: str, first: str) -> Table:
    """List the points of the curves; ``first`` is the name of the column of their names."""
    rows: Rows = [
        [one.name, number(x), number(p50, format_ms(p50)), number(one.slope, f"{one.slope:.2f}")]
        for one in curves
        for x, p50 in one.points
    ]
    return Table(caption, [first, unit, "p50 ms", "slope"], rows)
