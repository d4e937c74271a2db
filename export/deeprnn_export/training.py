"""Training that keeps the epoch which did best on rows that it did not learn from."""

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

from deeprnn_edge.errors import DeepRNNEdgeError, InputError
from deeprnn_edge.parity import decide
from deeprnn_edge.text import OOV_ID
from deeprnn_export.labelled_data import Dataset
from deeprnn_export.training_record import Epoch

WORD_DROPOUT = 0.25

_PREDICT_BATCH = 1024  # rows; the time of a step hardly grows up to there

Rows = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Progress:
    """Where a training is: a batch of an epoch, and after its last batch what the epoch came to."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    finished: Epoch | None = None


@dataclass(frozen=True)
class TrainingRun:
    """What a training came to. The model has the weights of ``best_epoch``.

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
    """The best epoch so far, and the state of model and optimizer behind it."""

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

    Raises InputError for options and data that do not fit, and where the loss is not a number;
    DeepRNNEdgeError where Ctrl-C comes before there is an epoch to keep.
    """
    _check(model, dataset, epochs, batch_size, validation_split, patience, word_dropout)
    keras.utils.set_random_seed(seed)
    train, validation = _split(dataset, validation_split, seed)
    batch_size = min(batch_size, len(train[0]))
    words = dataset.vocabulary_size is not None
    history, best, interrupted = list(earlier), _Best(model), False
    if best_epoch is not None:
        best.offer(history[best_epoch - 1])
    first, started = len(history) + 1, time.perf_counter()
    last = len(history) + epochs
    with _fast_step(model, jit_compile=jit_compile):
        try:
            for number in range(first, last + 1):
                rows = _draw(train, batch_size, (seed, number), word_dropout if words and number > 1 else 0.0)
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
                raise DeepRNNEdgeError("interrupted before the first epoch ended; there is nothing to keep") from interrupt
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
