"""Offer ``deeprnn-edge train``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deeprnn_edge.errors import InputError
from deeprnn_export.cells import CELLS
from deeprnn_export.commands.startup import start_workshop
from deeprnn_export.reading.training_record import TrainingOptions, TrainingRecord

if TYPE_CHECKING:
    from deeprnn_export.training.fit import TrainingRun

DEFAULTS = TrainingOptions()

_WITH_RESUME = {"output", "resume", "epochs", "force", "as_json"}


@click.command()
@click.option(
    "--cell",
    type=click.Choice(CELLS),
    default=DEFAULTS.cell,
    show_default=True,
    help="SimpleRNN, LSTM or GRU.",
)
@click.option(
    "--data", default=DEFAULTS.data, show_default=True, help="reviews, vowels, imdb, or a path to .npz, .csv or .tsv."
)
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="The model, a .keras file.")
@click.option(
    "--units",
    default=",".join(map(str, DEFAULTS.units)),
    show_default=True,
    help="Units of each recurrent layer, the lowest first; 1 to 10 layers.",
)
@click.option(
    "--epochs",
    default=DEFAULTS.epochs,
    show_default=True,
    help="Passes over the training rows; with --resume, further ones.",
)
@click.option("--batch-size", default=DEFAULTS.batch_size, show_default=True, help="Rows of one step of training.")
@click.option(
    "--validation-split",
    default=DEFAULTS.validation_split,
    show_default=True,
    help="Share of the training rows that choose the best epoch.",
)
@click.option("--seed", default=DEFAULTS.seed, show_default=True, help="The same seed gives the same training.")
@click.option("--early-stopping", type=int, metavar="PATIENCE", help="Stop after so many epochs without a better one.")
@click.option("--learning-rate", default=DEFAULTS.learning_rate, show_default=True, help="Learning rate of Adam.")
@click.option(
    "--mask/--no-mask", default=DEFAULTS.mask, show_default=True, help="Let padding pass by without changing the state."
)
@click.option("--bidirectional", is_flag=True, help="Read each sequence in both directions.")
@click.option(
    "--dropout",
    default=DEFAULTS.dropout,
    show_default=True,
    help="Share of each recurrent layer's inputs that training drops.",
)
@click.option(
    "--word-dropout",
    default=DEFAULTS.word_dropout,
    show_default=True,
    help="Share of the words that each epoch but the first hides.",
)
@click.option("--embedding-size", default=DEFAULTS.embedding_size, show_default=True, help="Width of a word's vector.")
@click.option(
    "--vocabulary-size",
    default=DEFAULTS.vocabulary_size,
    show_default=True,
    help="How many ids there are, the most frequent words first.",
)
@click.option("--max-length", type=int, help="Time steps. Default: 100 for text, the longest row for features.")
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path),
    help="The words behind the ids of an .npz: JSON of word to rank, or one word a line.",
)
@click.option("--resume", is_flag=True, help="Go on with the model at --output, with its data and options.")
@click.option("--force", is_flag=True, help="Replace a model that is there.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def train(
    output: Path, units: str, vocabulary: Path | None, resume: bool, force: bool, as_json: bool, **chosen: Any
) -> None:
    """Train a stacked recurrent network for classification.

    The best epoch by validation accuracy is kept, and the history is written beside the model, with the
    words and labels that an export takes from there. Ctrl-C keeps the best epoch so far.

    \b
        deeprnn-edge train --cell gru --data reviews -o gru.keras
        deeprnn-edge train --cell lstm --data vowels --units 24 -o speaker.keras
        deeprnn-edge train --resume --epochs 3 -o gru.keras
    """
    if resume:
        _check_resume(click.get_current_context())
    start_workshop("train")
    from deeprnn_export.commands.progress import TrainingBar
    from deeprnn_export.training import job as training_job

    show: Any = {"progress": TrainingBar(), "describe": _describe}
    with training_job.hold_model(output, force=force, resume=resume):
        if resume:
            record, run = training_job.resume_and_save(output, epochs=chosen["epochs"], **show)
        else:
            options = TrainingOptions(
                units=_parse_units(units), vocabulary=None if vocabulary is None else str(vocabulary), **chosen
            )
            dataset = training_job.load_data(options)
            click.echo(
                f"{dataset.name}: {len(dataset.x_train):,} training rows, {len(dataset.x_test):,} test rows", err=True
            )
            record, run = training_job.train_and_save(options, dataset, output, **show)
    click.echo(_as_json(record, run, output) if as_json else _as_text(record, output))
    if run.interrupted:
        kept = KeyboardInterrupt()
        kept.add_note(f"{output} has epoch {record.best_epoch}, the best so far; --resume goes on with it")
        raise kept


def _check_resume(context: click.Context) -> None:
    """Refuse an option that a resumed training would not follow."""
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        if given and name not in _WITH_RESUME:
            raise InputError(
                f"{option.opts[0]} cannot be given with --resume, which goes on with the data and options that the "
                "model was trained with; leave it out, or train a new model"
            )


def _parse_units(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(f"--units {text!r}; expected numbers separated by commas, such as 32,16") from error


def _describe(model: Any) -> None:
    model.summary(print_fn=lambda line, **_: click.echo(line, err=True))


def _as_json(record: TrainingRecord, run: TrainingRun, output: Path) -> str:
    shown = {key: value for key, value in dataclasses.asdict(record).items() if key != "words"}
    shown |= {"seconds": round(run.seconds, 3), "interrupted": run.interrupted}
    return json.dumps({"model": str(output), **shown}, indent=2, ensure_ascii=False)


def _as_text(record: TrainingRecord, output: Path) -> str:
    lines = [f"best epoch {record.best_epoch} of {len(record.history)}; test accuracy {record.test_accuracy:.2%}"]
    if record.baseline_accuracy is not None:
        lines[0] += f" (naive Bayes on the same split: {record.baseline_accuracy:.2%})"
    lines.append(f"wrote {output}; next: deeprnn-edge export {output} -o {output.with_suffix('')}")
    return "\n".join(lines)
