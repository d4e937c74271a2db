"""Offer ``deeprnn-edge demo``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeprnn_edge.cli.terminal import say
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.place_lock import hold_place
from deeprnn_edge.inference.model import load
from deeprnn_edge.tables import format_table
from deeprnn_export.commands.startup import start_workshop
from deeprnn_export.targets import TARGETS

if TYPE_CHECKING:
    from deeprnn_export.commands.demonstration import DemoResult

SENTENCES = ("a gorgeous, moving film", "dull, predictable and far too long")


@click.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the models and bundles.",
)
@click.option(
    "--sentence",
    "-s",
    "sentences",
    multiple=True,
    help="A sentence to answer at the end; repeatable. Default: two of ours, then yours at a prompt.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def demo(output: Path, sentences: tuple[str, ...], as_json: bool) -> None:
    """Train, export, check, measure and run SimpleRNN, LSTM and GRU on real reviews, offline, in some minutes.

    Ends with the three architectures beside each other, and with their answers to a sentence of yours.
    The models and bundles stay in the output folder, for you to go on with:

    \b
        deeprnn-edge inspect demo/gru
        deeprnn-edge predict demo/gru "a gorgeous, moving film"
    """
    start_workshop("demo")
    from deeprnn_export.commands.demonstration import run_demo
    from deeprnn_export.commands.progress import TrainingBar

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {output}: {error.strerror}; choose another --output") from error
    with hold_place(output.resolve()):
        result = run_demo(output, progress=say, on_batch=TrainingBar())
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
        return
    click.echo(comparison(result))
    for sentence in sentences or SENTENCES:
        _answer(result, sentence)
    if not sentences and sys.stdin.isatty():
        _converse(result)
    click.echo(f"\nnext: deeprnn-edge inspect {result.rows[-1].bundle}")


def comparison(result: DemoResult) -> str:
    """Write a table of the three architectures beside each other, and what the numbers say."""
    networks = [
        [
            row.architecture,
            row.layers,
            f"{row.parameters:,}",
            f"{row.embedding_parameters:,}",
            f"{row.recurrent_parameters:,}",
            f"{row.accuracy:.1%}",
        ]
        for row in result.rows
    ]
    runtimes = [
        [
            row.architecture,
            *(f"{one.size_bytes / 1e6:.2f} MB {one.p50_us:,.0f} us" for one in row.measured.values()),
        ]
        for row in result.rows
    ]
    return "\n".join(
        [
            "",
            format_table(["", "layers", "parameters", "embedding", "cells, head", "accuracy"], networks),
            "",
            format_table(["", *(_title(name) for name in result.rows[0].measured)], runtimes),
            "",
            f"Accuracy on {result.test_rows:,} test sentences. Naive Bayes, a bag of words that ignores their order,",
            f"gets {result.baseline_accuracy:.1%}: on snippets of 20 words it does as well as a recurrent network.",
            "Below each format: the size of its file, and p50 latency of one call on 100 words.",
            f"Trained, exported, checked against Keras and measured in {result.seconds:.0f} s.",
            "",
        ]
    )


def _title(measured: str) -> str:
    """Return how people write what was measured: a format, or Keras."""
    return TARGETS[measured].runtime.title if measured in TARGETS else measured.capitalize()


def _answer(result: DemoResult, sentence: str) -> None:
    answers = []
    for row in result.rows:
        model = load(row.bundle)
        (probability,) = model.predict(sentence)[0]  # type: ignore[index]  # one output, so an array
        answers.append(f"{row.architecture} {model.manifest.labels[int(probability > 0.5)]} {probability:.2f}")
    click.echo(f"{sentence!r}: " + ", ".join(answers))


def _converse(result: DemoResult) -> None:
    click.echo("\nType a sentence; an empty line ends.")
    while sentence := click.prompt(">", default="", show_default=False, prompt_suffix=" "):
        _answer(result, sentence)
