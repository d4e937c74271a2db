"""Naive Bayes against a loop that follows its definition, and on the shipped reviews."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.catalogue import Dataset, load_dataset
from deeprnn_export.training.naive_bayes import naive_bayes_accuracy


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    """No model is built here, so there is no Keras session to clear, which takes longer than these tests."""


def by_definition(dataset: Dataset) -> float:
    documents = [
        ({int(i) for i in row if i > 2}, int(y)) for row, y in zip(dataset.x_train, dataset.y_train, strict=True)
    ]
    assert dataset.vocabulary_size is not None
    words, classes = range(3, dataset.vocabulary_size), range(len(dataset.labels))
    counts = {(w, c): 1 + sum(w in seen for seen, y in documents if y == c) for w in words for c in classes}
    totals = {c: sum(counts[w, c] for w in words) for c in classes}
    prior = {c: sum(y == c for _, y in documents) / len(documents) for c in classes}
    right = 0
    for row, y in zip(dataset.x_test, dataset.y_test, strict=True):
        seen = {int(i) for i in row if i > 2}
        score = {c: math.log(prior[c]) + sum(math.log(counts[w, c] / totals[c]) for w in seen) for c in classes}
        right += max(score, key=lambda c: score[c]) == y
    return right / len(dataset.y_test)


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_its_definition(classes: int) -> None:
    random = np.random.default_rng(classes)
    whole = load_dataset("reviews", max_length=12, vocabulary_size=60)
    small = dataclasses.replace(
        whole,
        x_train=whole.x_train[:300],
        y_train=random.integers(0, classes, 300),
        x_test=whole.x_test[:200],
        y_test=random.integers(0, classes, 200),
        labels=tuple(map(str, range(classes))),
    )
    assert naive_bayes_accuracy(small) == pytest.approx(by_definition(small), abs=1e-12)


def test_reviews() -> None:
    assert naive_bayes_accuracy(load_dataset("reviews")) == pytest.approx(0.790, abs=0.0005)


def test_feature_vectors_have_no_words() -> None:
    with pytest.raises(InputError, match="vowels holds feature vectors"):
        naive_bayes_accuracy(load_dataset("vowels"))
