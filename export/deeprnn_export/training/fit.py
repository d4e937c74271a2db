"""Train, and keep the epoch which did best on rows that it did not learn from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.names import decide
from deeprnn_edge.inputs.text import OOV_ID
from deeprnn_export.datasets.labelled import Dataset
from deeprnn_export.reading.training_record import Epoch

WORD_DROPOUT = 0.25

_PREDICT_BATCH = 1024  # rows; the time of a step hardly grows up to there

Rows = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Progress:
    """Say where a training is: a batch of an epoch, and after its last batch what the epoch came to."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    finished: Epoch | None = None


@dataclass(frozen=True)
class TrainingRun:
    """Hold what a training came to. The model has the weights of ``best_epoch``.

    Attributes:
        history: every epoch, those of an earlier run first.
        test_accuracy: from 0 to 1, of the weights that were kept.
        interrupted: whether Ctrl-C ended it.
    """

    history: tuple[Epoch, ...]
    best_epoch: int
    test_accuracy: float
    seconds: float
    interrupted: bool


@dataclass
class _Best:
    """Keep the best epoch so far, and the state of model and optimizer behind it."""

    model: keras.Model
    epoch: Epoch | None = None
    state: list[NDArray[Any]] = field(default_factory=list)

    def offer(self, epoch: Epoch) -> None:
        """Take an epoch that is better than all before."""
        if math.isfinite(epoch.val_loss) and (self.epoch is None or _merit(epoch) > _merit(self.epoch)):
            self.epoch = epoch
            self.state = [np.array(variable) for variable in _variables(self.model)]

    def restore(self) -> None:
        """Give the model back its best weights, and the optimizer what it knew then."""
        for variable, value in zip(_variables(self.model), self.state, strict=True):
            variable.assign(value)


def train_network(
    model: keras.Model,
    dataset: Dataset,
    *,
    epochs: int = 5,
    batch_size: int = 32,
    validation_split: float = 0.2,
    seed: int = 0,
    patience: int | None = None,
    word_dropout: float = WORD_DROPOUT,
    earlier: Sequence[Epoch] = (),
    best_epoch: int | None = None,
    jit_compile: bool = True,
    progress: Callable[[Progress], None] = lambda _: None,
) -> TrainingRun:
    """Train a compiled model and leave it with the weights of its best epoch, also after Ctrl-C.

    The best epoch is that of the highest validation accuracy, of equals the one of the lower loss. The loss
    alone would stop too early: it grows with every wrong answer that a network becomes sure of, while the
    accuracy still rises.

    Args:
        validation_split: share of the training rows, drawn once by ``seed``, that choose the epoch and are not
            learnt from.
        seed: the same seed, data and starting weights give the same training. It does not touch the weights of
            ``model``: call ``keras.utils.set_random_seed`` before building it.
        patience: stop after so many epochs without a better one.
        word_dropout: share of the words that each epoch hides anew behind the unknown word, from the second epoch
            on, for ids (Iyyer et al., ACL 2015). It keeps a small data set from being learnt by heart, and
            teaches the network what to make of a word that it does not know.
        earlier, best_epoch: the history that led to the weights of ``model``, to go on from there.
        jit_compile: compile the step with XLA, which makes it about four times as fast after some seconds.
        progress: called after each batch and each epoch.

    Raises:
        InputError: for options and data that do not fit, and where the loss is not a number.
        KeyboardInterrupt: where Ctrl-C comes before there is an epoch to keep.
    """
    _check(model, dataset, epochs, batch_size, validation_split, patience, word_dropout)
    keras.utils.set_random_seed(seed)
    train, validation = _split(dataset, validation_split, seed)
    batch_size = min(batch_size, len(train[0]))
    unknown, first_word = dataset.preprocessing.oov_id, dataset.first_word
    words = dataset.vocabulary_size is not None and unknown is not None  # without that id there is nothing to hide by
    history, best, interrupted = list(earlier), _Best(model), False
    if best_epoch is not None:
        best.offer(history[best_epoch - 1])
    first, started = len(history) + 1, time.perf_counter()
    last = len(history) + epochs
    with _fast_step(model, jit_compile=jit_compile):
        try:
            for number in range(first, last + 1):
                hidden = word_dropout if words and number > 1 else 0.0
                rows = _draw(train, batch_size, (seed, number), hidden, unknown=unknown or 0, first_word=first_word)
                begin = time.perf_counter()
                logs = model.fit(
                    *rows,
                    batch_size=batch_size,
                    epochs=number,
                    initial_epoch=number - 1,
                    shuffle=False,
                    validation_data=validation,
                    validation_batch_size=_PREDICT_BATCH,
                    callbacks=[_Reporter(progress, number, last, len(rows[0]) // batch_size)],
                    verbose=0,
                ).history
                history.append(_epoch(number, logs, time.perf_counter() - begin))
                best.offer(history[-1])
                progress(Progress(number, last, 0, 0, finished=history[-1]))
                if patience is not None and best.epoch is not None and number - best.epoch.number >= patience:
                    break
        except KeyboardInterrupt as interrupt:
            interrupted = True
            if best.epoch is None:
                interrupt.add_note("no epoch had ended, so there is nothing to keep")
                raise
    if best.epoch is None:
        raise InputError("the loss became infinite or not a number in every epoch; lower the learning rate")
    best.restore()
    return TrainingRun(
        history=tuple(history),
        best_epoch=best.epoch.number,
        test_accuracy=_accuracy(model, dataset.x_test, dataset.y_test),
        seconds=time.perf_counter() - started,
        interrupted=interrupted,
    )


class _Reporter(keras.callbacks.Callback):
    """Report Keras's batches as our progress."""

    def __init__(self, report: Callable[[Progress], None], epoch: int, epochs: int, batches: int) -> None:
        super().__init__()
        self._report, self._epoch, self._epochs, self._batches = report, epoch, epochs, batches

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's name
        self._report(Progress(self._epoch, self._epochs, batch + 1, self._batches))


@contextmanager
def _fast_step(model: keras.Model, *, jit_compile: bool) -> Iterator[None]:
    """Compile the training step, all else not: it takes seconds, which pay only where a step runs often."""
    before = model.jit_compile
    model.jit_compile = jit_compile
    model.make_train_function(force=True)
    model.jit_compile = False
    model.make_test_function(force=True)
    model.make_predict_function(force=True)
    try:
        yield
    finally:
        model.jit_compile = before
        model.train_function = model.test_function = model.predict_function = None


def _split(dataset: Dataset, share: float, seed: int) -> tuple[Rows, Rows]:
    """Draw training and validation rows at random: a file's last rows, which Keras takes, may be all of one class."""
    order = np.random.default_rng(seed).permutation(len(dataset.x_train))
    count = max(1, round(share * len(order)))
    chosen, kept = order[:count], order[count:]
    return (
        (dataset.x_train[kept], dataset.y_train[kept]),
        (dataset.x_train[chosen], dataset.y_train[chosen]),
    )


def _draw(
    rows: Rows,
    batch_size: int,
    seed: tuple[int, int],
    word_dropout: float,
    *,
    unknown: int = OOV_ID,
    first_word: int = OOV_ID + 1,
) -> Rows:
    """Put an epoch's rows in a new order, some of their words hidden.

    Whole batches alone, so that the step is compiled for one shape; the rest has its turn in another epoch.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(rows[0]))[: len(rows[0]) // batch_size * batch_size]
    x, y = rows[0][order], rows[1][order]
    if word_dropout:
        x = np.where((random.random(x.shape) < word_dropout) & (x >= first_word), np.int32(unknown), x)
    return x, y


def _epoch(number: int, logs: dict[str, list[float]], seconds: float) -> Epoch:
    loss, accuracy, val_loss, val_accuracy = (
        float(logs[key][0]) for key in ("loss", "accuracy", "val_loss", "val_accuracy")
    )
    return Epoch(number, loss, accuracy, val_loss, val_accuracy, round(seconds, 3))


def _merit(epoch: Epoch) -> tuple[float, float]:
    return epoch.val_accuracy, -epoch.val_loss


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _accuracy(model: keras.Model, x: NDArray[Any], y: NDArray[np.int64]) -> float:
    return float(np.mean(decide(model.predict(x, batch_size=_PREDICT_BATCH, verbose=0)) == y))


def _check(
    model: keras.Model,
    dataset: Dataset,
    epochs: int,
    batch_size: int,
    validation_split: float,
    patience: int | None,
    word_dropout: float,
) -> None:
    for what, count in (("epochs", epochs), ("batch size", batch_size), ("early stopping", patience)):
        if count is not None and count < 1:
            raise InputError(f"{what} {count}; expected a whole number from 1")
    if not 0 < validation_split < 1:
        raise InputError(f"validation split {validation_split}; expected a share above 0 and below 1")
    if not 0 <= word_dropout < 1:
        raise InputError(f"word dropout {word_dropout}; expected a share from 0 to below 1")
    rows = len(dataset.x_train)
    if not 1 <= max(1, round(validation_split * rows)) < rows:
        raise InputError(
            f"{dataset.name} has {rows} training rows, of which a validation split of {validation_split} "
            "leaves none to train on; give a smaller split or more rows"
        )
    wanted, shape = (None, *dataset.x_train.shape[1:]), tuple(model.input_shape)
    if len(shape) != len(wanted) or any(a != b for a, b in zip(shape[1:], wanted[1:], strict=True) if a is not None):
        raise InputError(f"the model takes {shape}, but {dataset.name} has rows of {wanted[1:]}; build it for them")
    outputs = 1 if len(dataset.labels) == 2 else len(dataset.labels)
    if model.output_shape[-1] != outputs:
        raise InputError(
            f"the model gives {model.output_shape[-1]} values, but {dataset.name} has {len(dataset.labels)} classes, "
            f"which takes {outputs}; build it with the head for them"
        )
