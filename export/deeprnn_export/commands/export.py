"""Offer ``deeprnn-edge export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from deeprnn_edge.bundle.artifact import Evaluation
from deeprnn_edge.bundle.manifest import Manifest, manifest_fields
from deeprnn_edge.choice.budgets import parse_points
from deeprnn_edge.cli.option_words import spell_options
from deeprnn_edge.cli.terminal import say
from deeprnn_edge.errors import IncompleteError, InputError
from deeprnn_edge.tables import format_table
from deeprnn_export.commands.startup import start_workshop
from deeprnn_export.targets import TARGETS

_FIXED = " and ".join(target.runtime.title for target in TARGETS.values() if target.fixed_shapes)
_DEFAULT = [target for target in TARGETS.values() if target.by_default]
_EVERY = [set(target.precisions) for target in _DEFAULT]
_COMMON = [name for name in next(iter(TARGETS.values())).precisions if all(name in one for one in _EVERY)]
_OWN = [
    f"{target.runtime.title} {', '.join(name for name in target.precisions if name not in _COMMON)}"
    for target in _DEFAULT
]
_FURTHER = [target.name for target in TARGETS.values() if not target.by_default]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    "destination",
    type=click.Path(path_type=Path),
    required=True,
    help="The bundle: a new directory, or one .zip file.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    help=f"{' or '.join(TARGETS)}; repeatable. Default: each that has the precision, but for {', '.join(_FURTHER)}.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("fp32",),
    show_default=True,
    help=f"{'; of '.join([', '.join(_COMMON), *_OWN])}; repeatable.",
)
@click.option(
    "--max-length", type=int, help=f"Time steps of the {_FIXED} file, where the model was built for any number."
)
@click.option(
    "--stream",
    is_flag=True,
    help="Add to each file one that answers chunk by chunk, with the states of its layers in your hand.",
)
@click.option(
    "--chunk",
    default=1,
    show_default=True,
    help=f"Time steps of one call of a streaming file in {_FIXED}; elsewhere they are free.",
)
@click.option(
    "--sample", type=click.Path(path_type=Path), help="An .npz with an array for each input, added to the parity grid."
)
@click.option(
    "--sample-only",
    is_flag=True,
    help="Compare on the rows of --sample alone, for a model that takes none but real ones.",
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="A text model's words and rules: a Keras Tokenizer's JSON; or what --vocabulary takes.",
)
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path),
    help="A text model's words: a word_index, a get_vocabulary() list, or words by rank, one a line.",
)
@click.option(
    "--rules",
    help="How texts become these words and ids: imdb, textvectorization, tokenizer, or a JSON file.",
)
@click.option(
    "--padding",
    type=click.Choice(["pre", "post", "none"]),
    help="Where shorter input is filled; none leaves texts their own length.",
)
@click.option("--truncating", type=click.Choice(["pre", "post"]), help="Where longer input is cut.")
@click.option("--start-id", help="The id that begins a text, or none.")
@click.option("--oov-id", help="The id of unknown words, or none to leave them out.")
@click.option("--index-offset", type=int, help="What a word's rank, from 1, is added to for its id.")
@click.option(
    "--scaler",
    type=click.Path(path_type=Path),
    help="The features' scaler, so that the device takes raw rows: JSON, .npz or .skops; never a pickle.",
)
@click.option("--columns", help="The features in the model's order: names of columns, or places from 0; with commas.")
@click.option("--hop", type=int, help="Cut recordings into windows of the model's length, each so many steps on.")
@click.option(
    "--rest",
    type=click.Choice(["refuse", "pad", "cut"]),
    help="What becomes of steps that fill no window.",
)
@click.option(
    "--sample-raw",
    type=click.Path(path_type=Path),
    help="Texts, one a line, or raw rows (CSV, .npy, .npz), that have to become what Keras or the scaler makes of "
    "them. Default: made from the words or the steps.",
)
@click.option("--labels", help="Names of the classes in order, separated by commas; or a file of them.")
@click.option(
    "--decode",
    type=click.Choice(["class", "labels", "steps", "ctc"]),
    help="What the answer is: one class, each one above the threshold, one a step, or CTC read greedily.",
)
@click.option("--threshold", type=float, help="What a probability has to be above. Default: 0.5.")
@click.option("--blank", type=int, help="CTC's blank class; -1 is the last. Default: 0.")
@click.option(
    "--target-scaler",
    type=click.Path(path_type=Path),
    help="How a regression's target was scaled: a JSON or .npz file of mean and scale, or min and max.",
)
@click.option("--name", help="The model's name in the bundle.")
@click.option("--c-prefix", help="What every name in C source begins with. Default: the model's name.")
@click.option("--keep-words", type=int, metavar="N", help="Keep only the N most frequent words.")
@click.option(
    "--tensor",
    "tensors",
    multiple=True,
    help="Store the weights of these names so, such as 'embedding/*=fp16', where the format has a choice; repeatable.",
)
@click.option(
    "--calibration",
    help="A data set, or an .npz of real inputs, for int8-full and int16x8. Default: what the model was trained on.",
)
@click.option(
    "--evaluate",
    help="A data set (reviews, vowels, imdb or a path) to measure on what accuracy each file costs.",
)
@click.option(
    "--max-accuracy-drop",
    help="Percentage points that a file of fewer bits or words may lose against Keras on --evaluate, such as 0.5.",
)
@click.option(
    "--max-difference",
    type=float,
    help="Largest absolute difference to Keras that a file of fewer bits may have; by default 0.5 % (fp16) to 15 % "
    "(int4) of the largest output.",
)
@click.option(
    "--allow-lambda", is_flag=True, help="Load a model that carries Python code; only from a maker you trust."
)
@click.option(
    "--custom-objects",
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="A Python file that defines the layers and functions of your own which the model uses. It is run.",
)
@click.option(
    "--atol",
    type=float,
    help="Largest absolute difference to Keras that an fp32 file may have; by default 1e-5, or 1e-4 if deep or long.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Keep the other files where one cannot be made or does not hold: the table says which and why, exit code 1.",
)
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
@click.option("--json", "as_json", is_flag=True, help="The manifest as JSON.")
def export(
    model: Path,
    destination: Path,
    formats: tuple[str, ...],
    precisions: tuple[str, ...],
    max_length: int | None,
    stream: bool,
    chunk: int,
    sample: Path | None,
    sample_only: bool,
    tokenizer: Path | None,
    vocabulary: Path | None,
    rules: str | None,
    padding: Literal["pre", "post", "none"] | None,
    truncating: Literal["pre", "post"] | None,
    start_id: str | None,
    oov_id: str | None,
    index_offset: int | None,
    scaler: Path | None,
    columns: str | None,
    hop: int | None,
    rest: Literal["refuse", "pad", "cut"] | None,
    sample_raw: Path | None,
    labels: str | None,
    decode: Literal["class", "labels", "steps", "ctc"] | None,
    threshold: float | None,
    blank: int | None,
    target_scaler: Path | None,
    name: str | None,
    c_prefix: str | None,
    keep_words: int | None,
    tensors: tuple[str, ...],
    calibration: str | None,
    evaluate: str | None,
    max_accuracy_drop: str | None,
    max_difference: float | None,
    allow_lambda: bool,
    custom_objects: Path | None,
    atol: float | None,
    force: bool,
    keep_going: bool,
    as_json: bool,
) -> None:
    """Export a Keras MODEL to a bundle that a device runs, once every file in it answers as Keras does.

    MODEL is a .keras or .h5 file of Keras 3, or of Keras 2. Recurrences become native: RNN, LSTM and GRU
    nodes in ONNX, short loops in TFLite. A cell or an activation of your own keeps
    Keras's loop, and the output says so. Each file is run and compared with Keras on full, padded and
    empty sequences; where one differs by more than allowed, the table says which case, nothing is
    exported, and the exit code is 1.

    fp32 is exact. The other precisions trade a little accuracy for size: fp16 stores weights in 16 bits,
    int8 in 8 (in ONNX tables by row and, where they hold a real share of the bytes, matrices by channel),
    int4 tables in 4. int8-dynamic computes LSTM in 8 bits, in ONNX Runtime alone. int8-full and int16x8
    compute in integers and are calibrated on real samples. deeprnn-edge inspect shows how each weight is
    stored and why; deeprnn-edge choose finds the file to ship.

    --stream adds the streaming twin of each file: the same network with every recurrent state as an input and
    an output, for data that comes as it happens. It has to give a sequence that is cut anywhere the answers
    that Keras gives the whole. A network that looks ahead, or at everything at once, is refused by its layer.

    \b
        deeprnn-edge export gru.keras -o bundle
        deeprnn-edge export gru.keras -o bundle --stream
        deeprnn-edge export gru.keras -o gru.zip --format onnx --evaluate reviews
        deeprnn-edge export gru.keras -o small --precision int8 --precision int4 \\
            --evaluate reviews --max-accuracy-drop 0.5
        deeprnn-edge export gru.keras -o tiny --precision int8 --keep-words 4000
    """
    start_workshop("export")
    from deeprnn_export.pipeline.export import export as export_bundle
    from deeprnn_export.reading.custom_objects import read_custom_objects

    manifest = export_bundle(
        model,
        destination,
        formats=formats or None,
        precisions=precisions,
        max_length=max_length,
        stream=stream,
        chunk=chunk,
        sample=None if sample is None else _read_sample(sample),
        sample_only=sample_only,
        vocabulary=vocabulary or (),
        tokenizer=tokenizer,
        rules=rules,
        padding=padding,
        truncating=truncating,
        start_id=_read_id("--start-id", start_id),
        oov_id=_read_id("--oov-id", oov_id),
        index_offset=index_offset,
        scaler=scaler,
        columns=columns,
        hop=hop,
        rest=rest,
        sample_raw=() if sample_raw is None else sample_raw,
        labels=labels,
        decode=decode,
        threshold=threshold,
        blank=blank,
        target_scaler=target_scaler,
        name=name,
        keep_words=keep_words,
        tensors=_read_tensors(tensors),
        calibration=calibration,
        evaluate=evaluate,
        max_accuracy_drop=None if max_accuracy_drop is None else parse_points(max_accuracy_drop),
        max_difference=max_difference,
        atol=atol,
        force=force,
        keep_going=keep_going,
        allow_lambda=allow_lambda,
        custom_objects=None if custom_objects is None else read_custom_objects(custom_objects),
        c_prefix=c_prefix,
        progress=say,
    )
    if as_json:
        click.echo(json.dumps(manifest_fields(manifest), indent=2, ensure_ascii=False))
    else:
        click.echo(artifact_table(manifest))
        for one in manifest.missing:
            click.echo(f"{one.path} was not made: {spell_options(one.reason, click.get_current_context().command)}")
        click.echo(f"wrote {destination}; try: deeprnn-edge verify {destination}")
    if manifest.missing:
        raise IncompleteError(
            f"{len(manifest.missing)} of {len(manifest.missing) + len(manifest.artifacts)} files could not be made: "
            f"{', '.join(one.path for one in manifest.missing)}; the bundle has the others"
        )


def artifact_table(manifest: Manifest) -> str:
    """Write a line for each file of a bundle: its size, how it answered beside Keras, and its cost on real data."""
    header = ["artifact", "size", "largest difference", "allowed", "label flips", "cases"]
    rows = [
        [
            artifact.path,
            f"{artifact.size_bytes / 1000:.0f} kB",
            f"{artifact.parity.max_abs_diff:.1e}",
            f"{artifact.parity.atol:.2g}",
            str(artifact.parity.label_flips),
            str(artifact.parity.cases),
        ]
        for artifact in manifest.artifacts
    ]
    rows += [[one.path, "-", "not made", "-", "-", "-"] for one in manifest.missing]
    evaluations: list[Evaluation | None] = [artifact.evaluation for artifact in manifest.artifacts]
    evaluations += [None] * len(manifest.missing)
    if any(evaluations):
        header += ["accuracy", "against Keras", "mean difference", "largest", "flips"]
        for row, one in zip(rows, evaluations, strict=True):
            row += (
                [""] * 5
                if one is None
                else [
                    f"{one.accuracy:.2%}",
                    f"{one.accuracy_change_points:+.2f}",
                    f"{one.mean_abs_diff:.1e}",
                    f"{one.max_abs_diff:.1e}",
                    str(one.label_flips),
                ]
            )
    table = format_table(header, rows)
    first = next((one for one in evaluations if one), None)
    if first is None:
        return table
    return f"{table}\nfrom accuracy on: {first.rows:,} test rows of {first.dataset}; Keras {first.keras_accuracy:.2%}"


def _read_tensors(given: tuple[str, ...]) -> dict[str, str]:
    chosen = {}
    for one in given:
        pattern, equals, storage = one.rpartition("=")
        if not (pattern and equals and storage):
            raise InputError(f"--tensor {one!r}: expected a weight's name and its storage, such as 'embedding/*=fp16'")
        chosen[pattern] = storage
    return chosen


def _read_sample(path: Path) -> dict[str, object]:
    from deeprnn_export.datasets.npz_file import open_npz

    with open_npz(path, "an .npz of arrays by input name") as arrays:
        return {name: arrays[name] for name in arrays.files}


def _read_id(option: str, given: str | None) -> int | Literal["none"] | None:
    if given is None:
        return None
    if given == "none":
        return "none"
    try:
        return int(given)
    except ValueError as error:
        raise InputError(f"{option} {given}: expected an id, such as 1, or none") from error
