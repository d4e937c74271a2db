"""Train from options to a saved model with its record: what ``train`` and ``demo`` both do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import keras

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_write import check_output
from deeprnn_edge.files.place_lock import hold_place
from deeprnn_export.datasets.catalogue import Dataset, load_dataset
from deeprnn_export.reading.training_record import (
    TrainingOptions,
    TrainingRecord,
    read_record,
    record_path,
    write_record,
)
from deeprnn_export.training.fit import Progress, TrainingRun, train_network
from deeprnn_export.training.naive_bayes import naive_bayes_accuracy
from deeprnn_export.training.network import build_network


@contextmanager
def hold_model(output: Path, *, force: bool, resume: bool) -> Iterator[None]:
    """Hold the place of a model, and of its record, until it is trained and saved.

    Raises:
        BusyError: where another command is writing it.
        InputError: where it cannot be used, before anything slow happens.
    """
    with hold_place(output, partial(_check_model_output, output, force=force, resume=resume)):
        yield


def _check_model_output(output: Path, *, force: bool, resume: bool) -> None:
    if output.suffix != ".keras":
        raise InputError(f"{output} has the suffix {output.suffix!r}; a Keras model is saved as .keras")
    if resume and not output.is_file():
        raise InputError(f"no such model to resume: {output}; leave resume=True out to train a new one")
    check_output(output, force=force or resume)
    check_output(record_path(output), force=True)


def load_data(options: TrainingOptions) -> Dataset:
    """Load the data set that the options name."""
    return load_dataset(
        options.data,
        max_length=options.max_length,
        vocabulary_size=options.vocabulary_size,
        vocabulary=options.vocabulary,
    )


def build_for(options: TrainingOptions, dataset: Dataset) -> keras.Model:
    """Build the network of the options, with the input and the head that the data set takes."""
    classes = len(dataset.labels)
    return build_network(
        options.cell,
        units=options.units,
        vocabulary_size=dataset.vocabulary_size,
        embedding_size=options.embedding_size,
        features=dataset.features,
        steps=dataset.x_train.shape[1],
        mask=options.mask,
        bidirectional=options.bidirectional,
        dropout=options.dropout,
        head="binary" if classes == 2 else "multiclass",
        classes=None if classes == 2 else classes,
        learning_rate=options.learning_rate,
    )


def train_and_save(
    options: TrainingOptions,
    dataset: Dataset,
    output: Path,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    describe: Callable[[keras.Model], None] = lambda _: None,
) -> tuple[TrainingRecord, TrainingRun]:
    """Build the network, train it, and save model and record, each whole or not at all.

    Args:
        describe: called with the network before it is trained.
    """
    keras.utils.set_random_seed(options.seed)
    model = build_for(options, dataset)
    describe(model)
    run = _train(model, dataset, options, progress)
    record = TrainingRecord(
        name=output.stem,
        dataset=dataset.name,
        preprocessing=dataset.preprocessing,
        words=dataset.words,
        labels=dataset.labels,
        history=run.history,
        best_epoch=run.best_epoch,
        test_accuracy=run.test_accuracy,
        baseline_accuracy=naive_bayes_accuracy(dataset) if dataset.features is None else None,
        options=options,
    )
    _save(model, record, output)
    return record, run


def resume_and_save(
    output: Path,
    *,
    epochs: int,
    progress: Callable[[Progress], None] = lambda _: None,
    describe: Callable[[keras.Model], None] = lambda _: None,
) -> tuple[TrainingRecord, TrainingRun]:
    """Train a saved model for some epochs more, from its weights and its optimizer's state, and save it again."""
    record = read_record(output)
    if record is None:
        raise InputError(f"{output} has no {record_path(output).name} beside it, so how it was trained is not known")
    dataset = load_data(record.options)
    try:
        model = keras.models.load_model(output)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(f"{output} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    describe(model)
    options = dataclasses.replace(record.options, epochs=epochs)
    run = _train(model, dataset, options, progress, earlier=record)
    record = dataclasses.replace(
        record, history=run.history, best_epoch=run.best_epoch, test_accuracy=run.test_accuracy
    )
    _save(model, record, output)
    return record, run


def _train(
    model: keras.Model,
    dataset: Dataset,
    options: TrainingOptions,
    progress: Callable[[Progress], None],
    *,
    earlier: TrainingRecord | None = None,
) -> TrainingRun:
    return train_network(
        model,
        dataset,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_split=options.validation_split,
        seed=options.seed,
        patience=options.early_stopping,
        word_dropout=options.word_dropout,
        earlier=() if earlier is None else earlier.history,
        best_epoch=None if earlier is None else earlier.best_epoch,
        progress=progress,
    )


def _save(model: keras.Model, record: TrainingRecord, output: Path) -> None:
    temporary = output.with_name(f".{output.stem}.unfinished.keras")
    try:
        model.save(temporary)
        temporary.replace(output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror or error}; nothing was left behind") from error
    finally:
        temporary.unlink(missing_ok=True)
    write_record(output, record)
