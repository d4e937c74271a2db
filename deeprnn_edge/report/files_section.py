"""Show the bundle's files beside each other: the summary, and how exactly they answer."""

from __future__ import annotations

import math

from deeprnn_edge.bench.results import BenchReport
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.report.collecting import Bench, ReportData, accuracy_of
from deeprnn_edge.report.markup import (
    Cell,
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
from deeprnn_edge.report.rows_chart import ChartRow, draw_limit, rows_chart
from deeprnn_edge.report.scales import format_difference, format_ms


def summary_section(data: ReportData) -> Section:
    """Make a row for each file: what it is, its size, its answers, and its times where there are measurements."""
    artifacts = data.manifest.artifacts
    evaluated = [artifact for artifact in artifacts if accuracy_of(artifact) is not None]
    columns = ["file", "format", "precision", "kind", "bytes", "difference", "allowed"]
    columns += ["accuracy", "points"] * bool(evaluated) + ["p50 ms", "p95 ms"] * len(data.benches)
    rows: Rows = [
        [
            artifact.path,
            artifact.format,
            artifact.precision,
            artifact.kind,
            number(artifact.size_bytes),
            _difference(artifact.parity.max_abs_diff),
            _difference(artifact.parity.atol),
            *(_accuracy(artifact) if evaluated else ()),
            *(cell for bench in data.benches for cell in _times(bench, artifact)),
        ]
        for artifact in artifacts
    ]
    groups = [(f"measurement {bench.key}", 2) for bench in data.benches]
    parts = [render_table(Table(f"The files of {data.manifest.name}", columns, rows, groups))]
    if data.benches:
        parts.append(tag("ul", *(tag("li", bench.label) for bench in data.benches)))
    if evaluated:
        parts.append(_describe_evaluation(data.manifest))
    else:
        parts.append(
            paragraph(
                "No file was evaluated on a data set: ",
                tag("code", "deeprnn-edge export MODEL -o BUNDLE --evaluate DATA"),
                " adds accuracies.",
            )
        )
    return section("summary", "Summary", *parts)


def parity_section(data: ReportData) -> Section:
    """Show how far each file's answers are from Keras's, beside what was allowed."""
    artifacts = data.manifest.artifacts
    sizes = [value for one in artifacts for value in (one.parity.max_abs_diff, one.parity.atol) if 0 < value < math.inf]
    # Zero has no place on a logarithmic axis: it is drawn a decade below the least value that has one.
    floor = min(sizes, default=1e-8) / 10
    rows: Rows = []
    chart_rows: list[ChartRow] = []
    for index, artifact in enumerate(artifacts):
        parity = artifact.parity
        value, limit = (_on_axis(one, floor) for one in (parity.max_abs_diff, parity.atol))
        note = f"{format_difference(parity.max_abs_diff)} of {format_difference(parity.atol)}"
        chart_rows.append(
            ChartRow(artifact.path, f"{artifact.path}: {note}", (value, limit), note, draw_limit(value, limit, index))
        )
        rows.append(
            [
                artifact.path,
                _difference(parity.max_abs_diff),
                _difference(parity.atol),
                number(parity.label_flips),
                number(parity.cases),
                parity.reason or "–",
            ]
        )
    chart = rows_chart(
        chart_rows,
        label=f"The largest difference to Keras beside what is allowed, of {len(artifacts)} files; "
        "the table has the numbers",
        axis="largest absolute difference of an output (logarithmic)",
        form="{:.0e}".format,
        log=True,
    )
    columns = ["file", "largest difference", "allowed", "label flips", "cases", "why this much"]
    caption = (
        "The shape is the largest absolute difference to Keras over all cases when the file was exported, the heavy "
        "line is what was allowed. The further apart, the safer; a difference of 0 is drawn at the left."
    )
    table = Table("Difference to Keras by file", columns, rows)
    return section("parity", "How exactly the files answer", figure("parity-figure", chart, caption, table))


def _times(bench: Bench[BenchReport], artifact: Artifact) -> list[Cell]:
    result = next((result for result in bench.report.rows if result.name == artifact.path), None)
    if result is None:
        return [number(None), number(None)]
    if result.timing is None:
        return [Cell(result.status), number(None)]
    return [number(value, format_ms(value)) for value in (result.timing.p50_ms, result.timing.p95_ms)]


def _accuracy(artifact: Artifact) -> list[Cell]:
    accuracy = accuracy_of(artifact)
    change = artifact.evaluation.accuracy_change_points if artifact.evaluation else None
    return [
        number(accuracy, f"{accuracy:.2%}") if accuracy is not None else number(None),
        number(change, f"{change:+.2f}") if change is not None else number(None),
    ]


def _describe_evaluation(manifest: Manifest) -> Html:
    found = next((one.evaluation for one in manifest.artifacts if one.evaluation), None)
    if found is None:
        return paragraph("Accuracies are those that the manifest states; it does not say on which data.")
    return paragraph(
        f"Accuracy on {found.rows:,} rows of {found.dataset}; the points are percentage points against the Keras "
        f"model, which has {found.keras_accuracy:.2%}."
    )


def _difference(value: float) -> Cell:
    return number(value, format_difference(value))


def _on_axis(value: float, floor: float) -> float:
    return value if floor < value < math.inf else floor
