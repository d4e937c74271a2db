"""Show what the model is, and which operators its files run."""

from __future__ import annotations

from deeprnn_edge.bundle.feature_steps import describe_raw
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.report.collecting import ReportData
from deeprnn_edge.report.markup import Rows, Section, Table, number, paragraph, render_table, section
from deeprnn_edge.report.scales import format_bytes
from deeprnn_edge.tables import format_shape


def model_section(data: ReportData) -> Section:
    """Show the model's layers, what goes in and out, its labels."""
    manifest = data.manifest
    made = ", ".join(f"{name} {version}" for name, version in manifest.created_with.items())
    layers: Rows = [
        [
            layer.name,
            layer.kind,
            number(layer.units),
            layer.direction or "–",
            number(layer.parameters),
        ]
        for layer in manifest.architecture.layers
    ]
    sided = [("input", one) for one in manifest.inputs] + [("output", one) for one in manifest.outputs]
    specs: Rows = [[one.name, side, one.dtype, format_shape(one.shape), number(one.id_count)] for side, one in sided]
    parts = [
        paragraph(
            f"{manifest.architecture.parameters:,} parameters in {len(layers)} layers; the bundle takes "
            f"{format_bytes(data.inspection.size_bytes)} on disk with everything in it. Made with {made}."
        ),
        paragraph(_describe_preprocessing(manifest.preprocessing)),
        render_table(Table("Layers, in order", ["layer", "kind", "units", "direction", "parameters"], layers)),
        render_table(Table("Inputs and outputs", ["name", "side", "dtype", "shape", "ids below"], specs)),
    ]
    if manifest.labels:
        rows: Rows = [[label, number(index)] for index, label in enumerate(manifest.labels)]
        parts.append(render_table(Table("Labels", ["label", "number"], rows)))
    if data.inspection.states:
        states: Rows = [
            [one.name, one.layer, one.dtype, format_shape(one.shape), number(one.initial, f"{one.initial:g}")]
            for one in data.inspection.states
        ]
        caption = "What a stream carries from chunk to chunk"
        parts.append(render_table(Table(caption, ["state", "layer", "dtype", "shape", "starts as"], states)))
    return section("model", "The model", *parts)


def operators_section(data: ReportData) -> Section:
    """Show how often each file has each operator, and what became of the recurrent layers."""
    files = data.inspection.artifacts
    names = sorted({name for file in files for name in file.operators}, key=lambda name: (name.lower(), name))
    rows: Rows = []
    for name in names:
        kinds = {
            "a whole recurrent layer": any(name in file.recurrent for file in files),
            "runs step by step": any(name in file.loops for file in files),
            "not in every runtime": any(name in file.foreign for file in files),
        }
        counts = [number(file.operators.get(name)) for file in files]
        rows.append([name, ", ".join(kind for kind, is_so in kinds.items() if is_so) or "–", *counts])
    parts = [
        paragraph(
            "A recurrent operator runs a whole layer in one kernel. A loop runs its body step by step, which is slow. "
            "Bodies of loops are counted with the rest."
        ),
        render_table(Table("Operators by file", ["operator", "what it is", *(file.path for file in files)], rows)),
    ]
    lowered: Rows = [
        [layer.layer, path, layer.form, layer.reason or "–"]
        for path, layers in data.inspection.recurrences.items()
        for layer in layers
    ]
    if lowered:
        caption = "How each recurrent layer runs"
        parts.append(render_table(Table(caption, ["layer", "file", "runs as", "why"], lowered)))
    parts += [paragraph(f"{file.path} was not read here: {file.problem}") for file in files if file.problem]
    return section("operators", "Operators", *parts)


def _describe_preprocessing(given: Preprocessing) -> str:
    takes = {
        "text": "It takes text, as ids of words",
        "tokens": "It takes ids",
        "sequence": "It takes sequences of feature vectors",
    }[given.kind]
    if given.raw:
        takes = "; ".join(f"The input {raw.input} is made of {describe_raw(raw)}" for raw in given.raw)
    if given.max_length is None:
        return f"{takes}, of any length."
    if "refuse" in (given.padding, given.truncating):
        return f"{takes} of {given.max_length} steps; other input is refused."
    return (
        f"{takes}; shorter input is padded to {given.max_length} steps ({given.padding}), longer input is cut to them."
    )
