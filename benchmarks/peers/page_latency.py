"""Draw the distribution of each entry's times: figures of the seed models, tables of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.rows import Workload, fold, timed, times_of
from deeprnn_edge.report.markup import (
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
from deeprnn_edge.report.scales import format_difference
from deeprnn_edge.report.times_figure import TIMES_CAPTION, TIMES_COLUMNS, times_cells, times_chart, times_row

# The hatch of a kind: diagonal, dashes, crossed.
_LOOKS = {"ours": 0, "yardstick": 1, "peer": 2}
_COLUMNS = ["entry", *TIMES_COLUMNS, "CPU ms per call", "difference", "noisy"]


def latency_section(result: Mapping[str, Any]) -> Section:
    """Draw a figure for each workload of the seed models, then a table for each other one."""
    drawn = [one for one in result["workloads"] if one["group"] == "seed" and timed(one)]
    listed = [one for one in result["workloads"] if one["group"] != "seed" and timed(one)]
    figures = [_figure(f"latency-figure-{index}", one) for index, one in enumerate(drawn)]
    tables = [render_table(_table(one)) for one in listed]
    if not drawn and not listed:
        figures = [paragraph("Nothing was timed.")]
    return section("latency", "Latency", *figures, *fold(tables))


def _figure(name: str, workload: Workload) -> Html:
    rows = timed(workload)
    chart_rows = [
        times_row(row["title"], workload["title"], times_of(row), _LOOKS.get(row["kind"], len(_LOOKS))) for row in rows
    ]
    chart = times_chart(
        chart_rows,
        label=f"{workload['title']}: time of a call of {len(rows)} entries, the fastest first, from the fastest "
        "call to the 99th percentile; the table has the numbers",
        log=True,
    )
    out = [f"{row['title']} ({row['status']})" for row in workload["contenders"] if not row["timing"]]
    noisy = [row["title"] for row in rows if row["timing"]["noisy"]]
    caption = (
        f"{workload['title']}: {_setting(workload)}. {TIMES_CAPTION}The axis is logarithmic. Hatching tells our files "
        "(diagonal), the yardstick (dashes) and peers (crossed) apart."
        + (f" Noisy, with a spread above 10 %: {'; '.join(noisy)}." if noisy else "")
        + (f" Not timed: {'; '.join(out)}." if out else "")
    )
    return join([tag("h3", workload["title"]), figure(name, chart, caption, _table(workload))])


def _table(workload: Workload) -> Table:
    rows: Rows = [
        [
            row["title"],
            *times_cells(times_of(row)),
            number(row["timing"]["cpu_seconds_per_call"] * 1e3, f"{row['timing']['cpu_seconds_per_call'] * 1e3:.3g}"),
            number(row["max_abs_diff"], format_difference(row["max_abs_diff"] or 0)),
            "spread above 10 %" if row["timing"]["noisy"] else "no",
        ]
        for row in timed(workload)
    ]
    return Table(f"{workload['title']}: {_setting(workload)}", _COLUMNS, rows)


def _setting(workload: Workload) -> str:
    units = "-".join(map(str, workload["units"]))
    threads = workload["threads"]
    lengths = "full sequences" if workload["lengths"] == "full" else "lengths of reviews"
    return (
        f"units {units}, {workload['steps']:,} steps, {lengths}, batch {workload['batch']}, "
        f"{threads} thread{'s' if threads > 1 else ''}{', masked' if workload['masked'] else ''}"
    )
