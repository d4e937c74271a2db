"""``deeprnn-edge export``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from deeprnn_edge.errors import InputError
from deeprnn_edge.manifest import Manifest
from deeprnn_edge.tables import format_table
from deeprnn_export.commands.startup import start_workshop


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="The bundle: a new directory, or one .zip file.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["onnx", "tflite"]),
    default=("onnx", "tflite"),
    show_default=True,
    help="A format to export; repeatable.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("fp32",),
    show_default=True,
    help="A precision of the weights; repeatable.",
)
@click.option("--max-length", type=int, help="Time steps of the TFLite file, where the model was built for any number.")
@click.option(
    "--sample", type=click.Path(path_type=Path), help="An .npz with an array for each input, added to the parity grid."
)
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path),
    help="Words by rank, one a line, for a text model that was not trained here.",
)
@click.option("--labels", help="Names of the classes in order, separated by commas.")
@click.option("--name", help="The model's name in the bundle.")
@click.option(
    "--evaluate", help="A data set (reviews, vowels, imdb or a path): the accuracy of each file goes into the bundle."
)
@click.option(
    "--allow-lambda", is_flag=True, help="Load a model that carries Python code; only from a maker you trust."
)
@click.option(
    "--custom-objects",
    type=click.Path(path_type=Path),
    help="A Python file that defines the layers and functions of your own which the model uses. It is run.",
)
@click.option(
    "--atol",
    type=float,
    help="Largest difference to Keras to accept, for outputs far above 1; by default 1e-5, or 1e-4 where deep or long.",
)
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
@click.option("--json", "as_json", is_flag=True, help="The manifest as JSON.")
def export(
    model: Path,
    output: Path,
    formats: tuple[str, ...],
    precisions: tuple[str, ...],
    max_length: int | None,
    sample: Path | None,
    vocabulary: Path | None,
    labels: str | None,
    name: str | None,
    evaluate: str | None,
    allow_lambda: bool,
    custom_objects: Path | None,
    atol: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Export a Keras MODEL to a bundle that a device runs, once every file in it answers as Keras does.

    MODEL is a .keras or .h5 file of Keras 3, or of Keras 2. Recurrences become native: RNN, LSTM and GRU
    nodes in ONNX, the fused LSTM and short loops in TFLite. A cell or an activation of your own keeps
    Keras's loop, and the output says so. Each file is run and compared with Keras on full, padded and
    empty sequences; where one differs by more than allowed, the table says which case, nothing is
    exported, and the exit code is 1.

    \b
        deeprnn-edge export gru.keras -o bundle
        deeprnn-edge export gru.keras -o gru.zip --format onnx --evaluate reviews
    """
    start_workshop("export")
    from deeprnn_export.custom_objects import read_custom_objects
    from deeprnn_export.exporting import export as export_bundle

    manifest = export_bundle(
        model,
        output,
        formats=formats,
        precisions=precisions,
        max_length=max_length,
        sample=None if sample is None else _read_sample(sample),
        vocabulary=() if vocabulary is None else _read_words(vocabulary),
        labels=() if labels is None else tuple(label.strip() for label in labels.split(",")),
        name=name,
        evaluate=evaluate,
        atol=atol,
        force=force,
        allow_lambda=allow_lambda,
        custom_objects=None if custom_objects is None else read_custom_objects(custom_objects),
        progress=lambda line: click.echo(line, err=True),
    )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False))
    else:
        click.echo(artifact_table(manifest))
        click.echo(f"wrote {output}; try: deeprnn-edge verify {output}")


def artifact_table(manifest: Manifest) -> str:
    """A line for each file of a bundle: its size and how it answered beside Keras."""
    return format_table(
        ["artifact", "size", "largest difference", "allowed", "label flips", "cases", "accuracy"],
        [
            [
                artifact.path,
                f"{artifact.size_bytes / 1000:.0f} kB",
                f"{artifact.parity.max_abs_diff:.1e}",
                f"{artifact.parity.atol:.0e}",
                str(artifact.parity.label_flips),
                str(artifact.parity.cases),
                "" if artifact.accuracy is None else f"{artifact.accuracy:.2%}",
            ]
            for artifact in manifest.artifacts
        ],
    )


def _read_sample(path: Path) -> dict[str, object]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read {path} as an .npz of arrays by input name: {error}") from error


def _read_words(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the vocabulary {path}: {error}") from error
