"""Measure what counting words achieves: the accuracy that a recurrent network has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.labelled import Dataset


def naive_bayes_accuracy(dataset: Dataset) -> float:
    """Test accuracy, 0 to 1, of multinomial naive Bayes on the presence of words, smoothed by 1.

    Binarised as in Wang and Manning, "Baselines and Bigrams" (ACL 2012): a word counts once a text. Padding,
    start and unknown words do not count.

    Raises:
        InputError: for a data set of feature vectors.
    """
    if dataset.vocabulary_size is None:
        raise InputError(f"{dataset.name} holds feature vectors; naive Bayes counts words")
    size, classes = dataset.vocabulary_size, len(dataset.labels)
    rows, ids = _present(dataset.x_train, dataset.first_word)
    # Laplace's 1 for each word and class
    counts = 1.0 + np.bincount(ids * classes + dataset.y_train[rows], minlength=size * classes).reshape(size, classes)
    log_likelihood = np.log(counts / counts[dataset.first_word :].sum(axis=0))
    log_prior = np.log(np.bincount(dataset.y_train, minlength=classes) / len(dataset.y_train))
    rows, ids = _present(dataset.x_test, dataset.first_word)
    scores = [
        prior + np.bincount(rows, weights=likelihood[ids], minlength=len(dataset.x_test))
        for prior, likelihood in zip(log_prior, log_likelihood.T, strict=True)
    ]
    return float(np.mean(np.argmax(scores, axis=0) == dataset.y_test))


def _present(x: NDArray[np.int32], first_word: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn ``(rows, time)`` ids into pairs of a row and a word that occurs in it, each pair once."""
    rows, steps = np.nonzero(x >= first_word)
    size = int(x.max()) + 1
    return np.divmod(np.unique(rows * size + x[rows, steps]), size)
