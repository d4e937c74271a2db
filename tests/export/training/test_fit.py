"""Training: the best epoch is what stays, the same seed gives the same weights, and a stop loses nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.catalogue import Dataset
from deeprnn_export.training import fit as training
from deeprnn_export.training.fit import Progress, TrainingRun, train_network
from deeprnn_export.training.network import build_network

pytestmark = pytest.mark.slow  # each trains

STEPS = 6


def make_data(rows: int = 120, classes: int = 2, seed: int = 0) -> Dataset:
    """Ids whose first decides the class: what a network can learn in seconds."""
    random = np.random.default_rng(seed)
    x = random.integers(3, 20, (2 * rows, STEPS)).astype(np.int32)
    y = x[:, 0] % classes
    return Dataset(
        name="parity",
        kind="tokens",
        x_train=x[:rows],
        y_train=y[:rows].astype(np.int64),
        x_test=x[rows:],
        y_test=y[rows:].astype(np.int64),
        words=(),
        labels=tuple(map(str, range(classes))),
        preprocessing=Preprocessing("tokens", max_length=STEPS),
        vocabulary_size=20,
    )


def build(classes: int = 2, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    multi: dict[str, Any] = {} if classes == 2 else {"head": "multiclass", "classes": classes}
    return build_network(
        "rnn", units=[8], vocabulary_size=20, embedding_size=8, steps=STEPS, learning_rate=0.01, **multi
    )


def train(model: keras.Model, data: Dataset, **options: Any) -> TrainingRun:
    defaults: dict[str, Any] = {"epochs": 3, "batch_size": 16, "word_dropout": 0.0, "jit_compile": False}
    return train_network(model, data, **(defaults | options))


def figures(run: TrainingRun) -> list[tuple[float, ...]]:
    return [(epoch.number, epoch.loss, epoch.accuracy, epoch.val_loss, epoch.val_accuracy) for epoch in run.history]


def test_it_learns_and_tells_the_test_accuracy_that_keras_measures() -> None:
    model, data = build(classes=3), make_data(400, classes=3)
    run = train(model, data, epochs=12, batch_size=25)
    assert run.test_accuracy > 0.9
    assert run.test_accuracy == pytest.approx(model.evaluate(data.x_test, data.y_test, verbose=0)[1], abs=1e-6)
    assert run.best_epoch == max(run.history, key=lambda epoch: (epoch.val_accuracy, -epoch.val_loss)).number
    assert not run.interrupted


def test_the_model_is_left_with_its_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of three epochs is made the best: the weights are those of a training of one epoch."""
    monkeypatch.setattr(training, "_merit", lambda epoch: (-epoch.number, 0))
    three, one = build(), build()
    assert train(three, make_data()).best_epoch == 1
    train(one, make_data(), epochs=1)
    for a, b in zip(three.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_seed_gives_the_same_training() -> None:
    runs = [train(build(), make_data(), seed=7, word_dropout=0.5, epochs=2) for _ in range(2)]
    other = train(build(), make_data(), seed=8, word_dropout=0.5, epochs=2)
    assert figures(runs[0]) == figures(runs[1])
    assert figures(runs[0]) != figures(other)


@pytest.mark.slow
def test_xla_changes_the_speed_alone() -> None:
    plain, compiled = build(), build()
    train(plain, make_data(), epochs=1)
    train(compiled, make_data(), epochs=1, jit_compile=True)
    for a, b in zip(plain.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)  # XLA orders sums in its own way


def test_validation_rows_are_drawn_from_all_and_never_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_data(100)
    x = np.arange(100, dtype=np.int32)
    data = dataclasses.replace(data, x_train=np.tile(x[:, None], STEPS), y_train=np.sort(data.y_train))
    (kept, _), (chosen, labels) = training._split(data, 0.2, 0)
    assert sorted([*kept[:, 0], *chosen[:, 0]]) == list(range(100))
    assert len(chosen) == 20
    assert set(labels) == {0, 1}  # the last rows of this file are all of one class
    drawn = [training._draw((kept, kept[:, 0]), 32, (0, epoch), 0.0)[1] for epoch in (1, 2, 3)]
    assert all(len(set(rows)) == 64 and set(rows) <= set(kept[:, 0]) for rows in drawn)  # whole batches of 32
    assert set(np.concatenate(drawn)) == set(kept[:, 0])  # who sits out once has a turn later


def test_word_dropout_hides_words_and_nothing_else() -> None:
    x = np.tile(np.array([0, 1, 2, 7], np.int32), (4000, 1))
    hidden, _ = training._draw((x, np.zeros(4000, np.int64)), 1, (0, 2), 0.25)
    np.testing.assert_array_equal(hidden[:, :3], x[:, :3])
    assert np.mean(hidden[:, 3] == 2) == pytest.approx(0.25, abs=0.03)
    assert set(hidden[:, 3]) == {2, 7}


def test_going_on_from_a_file_is_the_same_as_not_having_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the optimizer's state, the epochs' numbers and the rows' order; the latest epoch counts as the best here."""
    monkeypatch.setattr(training, "_merit", lambda epoch: (epoch.number, 0))
    data = make_data()
    whole = train(build(), data, epochs=3, word_dropout=0.2)
    model = build()
    first = train(model, data, epochs=2, word_dropout=0.2)
    model.save(tmp_path / "gru.keras")
    loaded = keras.models.load_model(tmp_path / "gru.keras")
    rest = train(loaded, data, epochs=1, word_dropout=0.2, earlier=first.history, best_epoch=first.best_epoch)
    assert figures(rest) == [pytest.approx(epoch, abs=1e-6) for epoch in figures(whole)]
    assert rest.best_epoch == 3


def test_a_resumed_training_that_finds_nothing_better_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_merit", lambda epoch: (-epoch.number, 0))
    model, data = build(), make_data()
    first = train(model, data, epochs=1)
    weights = model.get_weights()
    second = train(model, data, epochs=2, earlier=first.history, best_epoch=1)
    assert (second.best_epoch, len(second.history)) == (1, 3)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_waits_for_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_merit", lambda epoch: (-abs(epoch.number - 2), 0))  # the second is the best
    run = train(build(), make_data(), epochs=9, patience=2)
    assert (run.best_epoch, len(run.history)) == (2, 4)


def stop_at(epoch: int, batch: int) -> Any:
    def progress(step: Progress) -> None:
        if (step.epoch, step.batch) == (epoch, batch):
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_keeps_the_best_epoch_so_far() -> None:
    stopped, one = build(), build()
    run = train(stopped, make_data(), progress=stop_at(2, 3))
    assert (run.interrupted, run.best_epoch, len(run.history)) == (True, 1, 1)
    assert run.test_accuracy == train(one, make_data(), epochs=1).test_accuracy
    for a, b in zip(stopped.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ctrl_c_before_there_is_an_epoch_says_so() -> None:
    with pytest.raises(KeyboardInterrupt) as stopped:
        train(build(), make_data(), progress=stop_at(1, 2))
    assert stopped.value.__notes__ == ["no epoch had ended, so there is nothing to keep"]


def test_progress_counts_every_batch_and_epoch() -> None:
    steps: list[Progress] = []
    run = train(build(), make_data(), epochs=2, progress=steps.append)
    batches = 96 // 16
    expected = [(epoch, batch) for epoch in (1, 2) for batch in range(1, batches + 1)]
    assert [(s.epoch, s.batch) for s in steps if s.finished is None] == expected
    assert tuple(s.finished for s in steps if s.finished is not None) == run.history


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # what the test provokes
def test_a_loss_that_is_no_number_is_refused() -> None:
    model = build()
    model.layers[-1].bias.assign([np.nan])
    with pytest.raises(InputError, match="lower the learning rate"):
        train(model, make_data(), epochs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs 0; expected a whole number from 1"),
        ({"batch_size": 0}, "batch size 0"),
        ({"patience": 0}, "early stopping 0"),
        ({"validation_split": 0.0}, "validation split 0.0; expected a share above 0 and below 1"),
        ({"validation_split": 1.0}, "validation split 1.0"),
        ({"validation_split": 0.999}, "leaves none to train on"),
        ({"word_dropout": 1.0}, "word dropout 1.0"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(build(), make_data(), **options)


def test_a_model_that_does_not_fit_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="the model gives 1 values, but parity has 3 classes"):
        train(build(), make_data(classes=3))
    short = dataclasses.replace(make_data(), x_train=make_data().x_train[:, 1:])
    with pytest.raises(InputError, match=r"the model takes \(None, 6\), but parity has rows of \(5,\)"):
        train(build(), short)
