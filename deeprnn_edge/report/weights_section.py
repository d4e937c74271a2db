"""Show where the bytes of each file are: by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deeprnn_edge.report.collecting import ReportData
from deeprnn_edge.report.markup import Html, Rows, Section, Table, figure, number, paragraph, render_table, section
from deeprnn_edge.report.rows_chart import ChartRow, draw_bar, rows_chart
from deeprnn_edge.report.scales import format_bytes, format_difference
from deeprnn_edge.runtimes import find_runtime
from deeprnn_edge.runtimes.file_inspection import FileInspection

OTHER = "other constants"
REST = "operators and the rest"


def weights_section(data: ReportData) -> Section:
    """Show the bytes of each file by layer, and how the weights of files with fewer bits are stored."""
    layers = [layer.name for layer in data.manifest.architecture.layers]
    chart_rows: list[ChartRow] = []
    rows: Rows = []
    for file in data.inspection.artifacts:
        if not file.tensors:
            continue
        chart_rows.append(ChartRow(f"{file.path}, {format_bytes(file.size_bytes)}"))
        for index, (name, size) in enumerate(bytes_by_layer(file, layers).items()):
            note = f"{size:,} ({size / file.size_bytes:.1%})"
            title = f"{file.path}, {name}: {note}"
            chart_rows.append(ChartRow(name, title, (float(size),), note, draw_bar(size, index)))
            rows.append(
                [name, file.path, number(size), number(size / file.size_bytes, f"{size / file.size_bytes:.1%}")]
            )
    parts = []
    if chart_rows:
        chart = rows_chart(
            chart_rows,
            label="Bytes of each file by layer; the table has the numbers",
            axis="bytes",
            form=format_bytes,
            zero=True,
        )
        caption = (
            "What each layer's numbers take in each file, by the names that the file gives its constants. Constants "
            f"that name no layer are {OTHER}; the file's own structure is {REST}."
        )
        table = Table("Bytes by file and layer", ["layer", "file", "bytes", "of the file"], rows)
        parts.append(figure("weights-figure", chart, caption, table))
    unread = [file for file in data.inspection.artifacts if not file.tensors]
    parts += [paragraph(f"{one.path} has no constants to show: {one.problem or 'it holds none'}") for one in unread]
    return section("weights", "Bytes by layer", *parts, *_stored(data))


def bytes_by_layer(file: FileInspection, layers: Sequence[str]) -> dict[str, int]:
    """Count the constants' bytes by layer, in the order of ``layers``, then of no layer, then the file's rest."""
    found = dict.fromkeys([*layers, OTHER], 0)
    numbered = (runtime := find_runtime(file.format)) is not None and runtime.numbers_layers
    for tensor in file.tensors:
        found[layer_of(tensor.name, layers, numbered=numbered)] += tensor.size_bytes
    # What is stored beside the file, or twice in it by two names, leaves no rest to tell.
    found[REST] = max(file.size_bytes - sum(found.values()), 0)
    return {name: size for name, size in found.items() if size}


def layer_of(tensor: str, layers: Sequence[str], *, numbered: bool) -> str:
    """Return the layer that a constant's name has as one of its parts; OTHER where it has none.

    Args:
        tensor: the constant's name.
        layers: names of the model's layers.
        numbered: whether the file's maker put a number behind the names: ``gru_1_1`` is ``gru_1``.
    """
    parts = re.split("[/;]", tensor)
    plain = [re.sub(r"_\d+$", "", part) for part in parts]
    for names in (plain, parts) if numbered else (parts, plain):
        for layer in sorted(layers, key=len, reverse=True):
            own = layer.split("/")
            if any(names[start : start + len(own)] == own for start in range(len(names))):
                return layer
    return OTHER


def _stored(data: ReportData) -> list[Html]:
    rows: Rows = [
        [
            tensor.name,
            path,
            tensor.precision,
            number(tensor.size_bytes),
            number(None) if tensor.effect is None else number(tensor.effect, format_difference(tensor.effect)),
            tensor.reason or "–",
        ]
        for path, tensors in data.inspection.stored.items()
        for tensor in tensors
    ]
    if not rows:
        return []
    columns = ["weight", "file", "stored as", "bytes", "effect", "why"]
    return [
        render_table(Table("How weights are stored in files of fewer bits", columns, rows)),
        paragraph("The effect is the largest difference that storing this weight alone so made to an output."),
    ]
