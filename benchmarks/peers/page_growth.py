"""Draw how the time of a call grows with each of length, layers, units and batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.peers.workloads import CELLS
from deeprnn_edge.report.growth_chart import Curve, growth_chart, growth_table
from deeprnn_edge.report.markup import Html, Section, figure, join, paragraph, section, tag

UNITS = {"length": "time steps", "layers": "layers", "units": "units of each layer", "batch": "batch"}


def growth_section(result: Mapping[str, Any]) -> Section:
    """Draw a figure for each cell and each axis that was measured."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in result["growth"]:
        found.setdefault((one["cell"], one["over"]), []).append(one)
    if not found:
        return section("growth", "Growth", paragraph("Growth is measured by the whole sweep alone."))
    figures = [_growth(f"growth-figure-{index}", *key, rows) for index, (key, rows) in enumerate(found.items())]
    return section("growth", "Growth", *figures)


def _growth(name: str, cell: str, over: str, rows: Sequence[Mapping[str, Any]]) -> Html:
    unit, title = UNITS.get(over, over), {str(key): value for key, value in CELLS.items()}.get(cell, cell)
    curves = [
        Curve(one["title"], [(x, p50) for x, p50 in one["points"]], one["slope"])
        for one in rows  # in the order of the result, so that shapes change little from figure to figure
    ]
    chart = growth_chart(
        curves,
        unit,
        label=f"{title}: median time of a call against {unit} of {len(curves)} entries; the table has the numbers",
    )
    slopes = "; ".join(f"{one.name} {one.slope:.2f}" for one in curves)
    starts = ", ".join(f"{one:,}" for one in sorted({row["fitted_from"] for row in rows}))
    caption = (
        f"{title} against {unit}. Both axes are logarithmic: the slope is the power that the time grows by, 1 where "
        f"twice as much takes twice as long. Slopes of the lines through the points from {starts} on: {slopes}."
    )
    table = growth_table(curves, unit, caption=f"{title}: time of a call against {unit}", first="entry")
    return join([tag("h3", f"{title} against {unit}"), figure(name, chart, caption, table)])
