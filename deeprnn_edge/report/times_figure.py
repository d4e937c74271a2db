"""Show the distribution of the times of a call: a row of a chart and of its table for each thing that was timed."""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.report.markup import Cell, Html, number
from deeprnn_edge.report.rows_chart import ChartRow, draw_range, rows_chart
from deeprnn_edge.report.scales import format_ms, format_tick

_PERCENTILES = ("min", "p50", "p90", "p95", "p99")
TIMES_COLUMNS = (*(f"{name} ms" for name in _PERCENTILES), "rows/s", "calls")
TIMES_CAPTION = (
    "One call on ready arrays. The heavy line and the number at the right are the median; the box goes from there "
    "to the 95th percentile, with a thin line at the 90th; the whole line goes from the fastest call to the 99th. "
)


def times_row(name: str, where: str, timing: Timing, look: int) -> ChartRow:
    """Make the row of one timing; ``look`` is the number of its hatch and colour."""
    low, p50, p90, p95, p99 = times = _percentiles(timing)
    said = ", ".join(f"{name} {format_ms(value)}" for name, value in zip(_PERCENTILES, times, strict=True))
    draw = draw_range(low, p50, p90, p95, p99, look)
    return ChartRow(name, f"{name}, {where}: {said} ms", (low, p99), f"{format_ms(p50)} ms", draw)


def times_cells(timing: Timing) -> list[Cell]:
    """Return the cells that TIMES_COLUMNS name."""
    cells = [number(value, format_ms(value)) for value in _percentiles(timing)]
    return [*cells, number(timing.rows_per_second, f"{timing.rows_per_second:,.0f}"), number(timing.runs)]


def times_chart(rows: Sequence[ChartRow], *, label: str, log: bool | None = None) -> Html:
    """Draw rows of ``times_row`` over one axis, which is logarithmic where ``log`` is or where they differ much."""
    return rows_chart(rows, label=label, axis="milliseconds for one call", form=format_tick, log=log)


def _percentiles(timing: Timing) -> tuple[float, ...]:
    """Return the times of _PERCENTILES, in milliseconds."""
    return timing.min_ms, timing.p50_ms, timing.p90_ms, timing.p95_ms, timing.p99_ms
