"""Put every workload in a row: our ONNX file's time, and how many times as long each entry takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.rows import REFERENCES, Workload, p50_ms, reference, row_of, titles
from deeprnn_edge.report.markup import Cell, Rows, Section, Table, number, paragraph, render_table, section
from deeprnn_edge.report.scales import format_ms


def summary_section(result: Mapping[str, Any]) -> Section:
    """Make a table of the workloads against the entries."""
    workloads = result["workloads"]
    named = titles(workloads)
    others = [name for name in named if name not in REFERENCES]
    columns = ["workload", "deeprnn-edge, ONNX: p50 ms", *(named[name] for name in others)]
    rows: Rows = [[one["title"], _reference(one), *(_ratio(one, name) for name in others)] for one in workloads]
    return section(
        "summary",
        "Summary",
        paragraph(
            "The median of our ONNX file, in milliseconds, and each entry's median as a multiple of it: above 1 "
            "the entry takes longer, below 1 it is faster. A dash: it takes no part in that workload. Another "
            "word says why there is no time, and ",
            "what did not run, at the end of the page, has the reason. A time behind which stands “noisy” is rough: "
            "its blocks, or those of our file, have a spread above 10 %.",
        ),
        render_table(Table("Median of each entry as a multiple of our ONNX file's", columns, rows)),
    )


def _reference(workload: Workload) -> Cell:
    row = reference(workload)
    if row is not None:
        noisy = ", noisy" if row["timing"]["noisy"] else ""
        return number(p50_ms(row), f"{format_ms(p50_ms(row))}{noisy}")
    there = next((found for name in REFERENCES if (found := row_of(workload, name))), None)
    return Cell(there["status"] if there else "–")


def _ratio(workload: Workload, name: str) -> Cell:
    row, ours = row_of(workload, name), reference(workload)
    if row is None:
        return number(None)
    if not row["timing"]:
        return Cell(row["status"])
    if ours is None:
        return Cell(f"{format_ms(p50_ms(row))} ms")
    ratio = p50_ms(row) / p50_ms(ours)
    noisy = ", noisy" if row["timing"]["noisy"] or ours["timing"]["noisy"] else ""
    return number(ratio, f"{format_ms(ratio)}×{noisy}")
