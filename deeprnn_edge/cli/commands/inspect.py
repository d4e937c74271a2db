"""Run ``deeprnn-edge inspect``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from deeprnn_edge.bundle.artifact import LoweredLayer, StoredTensor
from deeprnn_edge.bundle.feature_steps import describe_raw
from deeprnn_edge.bundle.manifest import Layer
from deeprnn_edge.bundle.tensors import StateSpec, TensorSpec
from deeprnn_edge.inspection.inspect import inspect_path, to_json
from deeprnn_edge.inspection.record import Inspection
from deeprnn_edge.runtimes.file_inspection import FileInspection
from deeprnn_edge.tables import format_shape, format_table, printable

_LONGEST_NOTE = 2_000  # characters; --json has the whole


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--tensors", default=5, show_default=True, type=click.IntRange(min=0), help="Largest tensors to list.")
@click.option("--json", "as_json", is_flag=True, help="The whole inspection as JSON, with every tensor.")
def inspect(path: Path, tensors: int, as_json: bool) -> None:
    """Show what a model is made of: inputs, outputs, layers, operators, tensors.

    PATH is a bundle, an .onnx or a .tflite file, or a .keras file where the workshop is installed.

    \b
        deeprnn-edge inspect bundle
        deeprnn-edge inspect somebody-elses.onnx --tensors 20

    A file that lost its bundle still says what it takes and answers: preprocessing, labels, answer, states.

    How a recurrent layer runs: native (a kernel for each direction), bidirectional (one kernel for both),
    fused (TFLite's LSTM kernel), loop (TFLite, some steps a turn), keras loop (step by step, as Keras does;
    for cells and activations that the format does not have).

    The states of a stream are what its files take and give beside inputs and outputs; each output is called
    as the input, with next_ ahead.

    How a weight is stored, in files of fewer bits: effect is the largest difference that storing this weight
    alone so made to an output when the file was exported.

    How to read the operators: a recurrent one (GRU, LSTM, RNN) runs a whole layer in one kernel. A loop
    (Loop, Scan, WHILE) runs its body step by step: in ONNX Runtime ten times slower and more; in TFLite
    the way of GRU and SimpleRNN, as it has a kernel for LSTM alone. A foreign one (Flex, custom,
    com.microsoft) is outside the format's own set: not every runtime has it.
    """
    inspection = inspect_path(path)
    click.echo(to_json(inspection) if as_json else _format(inspection, tensors), nl=not as_json)


def _format(inspection: Inspection, tensors: int) -> str:
    parts = [f"{inspection.path}: {inspection.kind}, {inspection.size_bytes:,} bytes"]
    if inspection.inputs or inspection.outputs:
        parts.append(_format_specs(inspection.inputs, inspection.outputs))
    parts += [f"input {printable(one.input)}: {describe_raw(one)}" for one in inspection.raw]
    if inspection.kind != "bundle":
        parts += [_format_notes(file.notes) for file in inspection.artifacts if file.notes]
    if inspection.layers:
        parts.append(_format_layers(inspection.layers))
    if any(file.operators for file in inspection.artifacts):
        parts.append(_format_files(inspection.artifacts))
    if inspection.recurrences:
        parts.append(_format_recurrences(inspection.recurrences))
    if inspection.states:
        parts.append(_format_states(inspection.states))
    if inspection.stored:
        parts.append(_format_stored(inspection.stored))
    if inspection.unchecked:
        parts.append(f"no hash covers {', '.join(inspection.unchecked)}: the bundle is of an older release")
    parts += filter(None, (_format_file(file, tensors) for file in inspection.artifacts))
    return "\n\n".join(parts)


def _format_specs(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> str:
    sided = [("input", spec) for spec in inputs] + [("output", spec) for spec in outputs]
    rows = [
        [side, spec.name, spec.dtype, format_shape(spec.shape), "" if spec.id_count is None else f"{spec.id_count:,}"]
        for side, spec in sided
    ]
    if any(row[-1] for row in rows):
        return format_table(["", "name", "dtype", "shape", "ids below"], rows)
    return format_table(["", "name", "dtype", "shape"], [row[:-1] for row in rows])


def _format_notes(notes: Mapping[str, Any]) -> str:
    """Show what a file without its bundle says of itself: each note in a line, a long one cut."""
    rows = []
    for name, value in notes.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        rows.append([printable(name), printable(text if len(text) <= _LONGEST_NOTE else f"{text[:_LONGEST_NOTE]} ...")])
    return format_table(["what the file says", "as its bundle's manifest had it"], rows)


def _format_layers(layers: Sequence[Layer]) -> str:
    rows = [
        [
            layer.name,
            layer.kind,
            "" if layer.units is None else str(layer.units),
            layer.direction or "",
            f"{layer.parameters:,}",
        ]
        for layer in layers
    ]
    rows.append(["total", "", "", "", f"{sum(layer.parameters for layer in layers):,}"])
    return format_table(["layer", "kind", "units", "direction", "parameters"], rows)


def _format_recurrences(recurrences: Mapping[str, Sequence[LoweredLayer]]) -> str:
    rows = [
        [path, printable(layer.layer), layer.form, printable(layer.reason or "")]
        for path, layers in recurrences.items()
        for layer in layers
    ]
    return format_table(["file", "recurrent layer", "runs as", "why"], rows)


def _format_states(states: Sequence[StateSpec]) -> str:
    rows = [
        [state.name, printable(state.layer), state.dtype, format_shape(state.shape), f"{state.initial:g}"]
        for state in states
    ]
    return format_table(["state of a stream", "layer", "dtype", "shape", "starts as"], rows)


def _format_stored(stored: Mapping[str, Sequence[StoredTensor]]) -> str:
    rows = [
        [
            path,
            printable(tensor.name),
            tensor.precision,
            f"{tensor.size_bytes:,}",
            "-" if tensor.effect is None else f"{tensor.effect:.1e}",
            printable(tensor.reason or ""),
        ]
        for path, tensors in stored.items()
        for tensor in tensors
    ]
    return format_table(["file", "weight", "stored as", "bytes", "effect", "why"], rows)


def _format_files(files: Sequence[FileInspection]) -> str:
    rows = [
        [
            file.path,
            file.precision or "-",
            f"{file.size_bytes:,}",
            f"{sum(file.operators.values()):,}",
            _format_counts(file.recurrent) or "-",
            _format_counts(file.loops) or "-",
            _format_counts(file.foreign) or "-",
        ]
        for file in files
    ]
    return format_table(["file", "precision", "bytes", "operators", "recurrent", "loops", "foreign"], rows)


def _format_file(file: FileInspection, tensors: int) -> str:
    lines = []
    if file.operators:
        # Spaces that textwrap does not break at keep a name and its count on one line.
        counts = [f"{printable(name)}\N{NO-BREAK SPACE}{count}" for name, count in file.operators.items()]
        text = f"{file.path} operators: {', '.join(counts)}"
        wrapped = textwrap.wrap(text, width=100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        lines += [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrapped]
    if file.problem:
        lines.append(f"{file.path} was not read, the operators are the manifest's: {file.problem}")
    shown = file.tensors[:tensors]
    if shown:
        rows = [[t.name, t.dtype, format_shape(t.shape), f"{t.parameters:,}", f"{t.size_bytes:,}"] for t in shown]
        title = f"{file.path} tensors, the {len(shown)} largest of {len(file.tensors)}"
        table = format_table([title, "dtype", "shape", "parameters", "bytes"], rows)
        lines += ["", table] if lines else [table]
    return "\n".join(lines)


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
