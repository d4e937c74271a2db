"""Check and pad rows and labels: what every data set becomes before training sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.vocabulary import vocabulary_name
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.padding import pad_features, pad_ids

MAX_LENGTH = 100  # time steps of ids where the user says nothing: the network of the seed

Rows = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Dataset:
    """Hold a data set for classification, ready to train on.

    Attributes:
        x_train, x_test: ``(rows, time)`` int32 ids in ``[0, vocabulary_size)``, or ``(rows, time, features)`` float32.
        y_train, y_test: ``(rows,)`` int64, an index into ``labels``.
        words: by rank, the most frequent first, those alone whose id is below ``vocabulary_size``; empty for ``tokens``
            and ``sequence``.
        vocabulary_size: how many ids there are, for ``text`` and ``tokens``.
        features: width of a vector, for ``sequence``.
    """

    name: str
    kind: Literal["text", "tokens", "sequence"]
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    words: tuple[str, ...]
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    vocabulary_size: int | None = None
    features: int | None = None

    @property
    def first_word(self) -> int:
        """Return the lowest id of a word: above those that pad, begin or end a text, or stand for unknown words."""
        how = self.preprocessing
        return max(one for one in (how.pad_id, how.start_id, how.end_id, how.oov_id) if one is not None) + 1


def make_id_dataset(
    name: str,
    parts: Mapping[str, Rows],
    labels: Mapping[str, NDArray[Any]],
    *,
    label_names: Sequence[str] = (),
    words: Sequence[str] = (),
    rules: Preprocessing | None = None,
    vocabulary_size: int,
    max_length: int | None,
) -> Dataset:
    """Make a data set of ragged rows of ids, ``train`` and ``test``; ids from ``vocabulary_size`` on are unknown words.

    Args:
        words: by rank; with them the data set is of the kind ``text``, without of the kind ``tokens``.
        rules: of the ids and their padding; None for those of ``keras.datasets.imdb``.
        label_names: of the classes in order; by default their numbers.

    Raises:
        InputError: for parts without rows, ids below 0, and labels that do not fit.
    """
    how = rules or Preprocessing("tokens")
    if words:
        vocabulary_size = min(vocabulary_size, len(words) + how.index_offset + 1)
    y_train, y_test, names = _check_labels(name, parts, labels, label_names)
    length = max_length or MAX_LENGTH
    kind: Any = "text" if words else "tokens"
    how = replace(how, kind=kind, vocabulary=vocabulary_name(words) if words else None, max_length=length)
    return Dataset(
        name=name,
        kind=kind,
        x_train=_pad(name, parts["train"], how, length, vocabulary_size),
        y_train=y_train,
        x_test=_pad(name, parts["test"], how, length, vocabulary_size),
        y_test=y_test,
        words=tuple(words[: vocabulary_size - how.index_offset - 1]),
        labels=names,
        preprocessing=how,
        vocabulary_size=vocabulary_size,
    )


def make_sequence_dataset(
    name: str,
    parts: Mapping[str, Rows],
    labels: Mapping[str, NDArray[Any]],
    *,
    label_names: Sequence[str] = (),
    max_length: int | None,
) -> Dataset:
    """Make a data set of rows of ``(time, features)``, ``train`` and ``test``; by default as long as its longest row.

    Raises:
        InputError: for parts without rows, values that are not finite, widths and labels that do not fit.
    """
    y_train, y_test, names = _check_labels(name, parts, labels, label_names)
    widths = {row.shape[1] for rows in parts.values() for row in rows}
    if len(widths) > 1 or widths == {0}:
        raise InputError(f"{name} has feature vectors of widths {sorted(widths)}; expected one width, from 1")
    for part, rows in parts.items():
        for index, row in enumerate(rows):
            if not np.isfinite(row).all():
                raise InputError(
                    f"{name}: row {index} of x_{part} has a value that is NaN or infinite; fill or drop it"
                )
    longest = max(len(row) for rows in parts.values() for row in rows)
    length = max_length or max(longest, 1)
    rules = Preprocessing("sequence", max_length=length)
    sides: Any = {"length": length, "padding": rules.padding, "truncating": rules.truncating}
    return Dataset(
        name=name,
        kind="sequence",
        x_train=pad_features(parts["train"], **sides),
        y_train=y_train,
        x_test=pad_features(parts["test"], **sides),
        y_test=y_test,
        words=(),
        labels=names,
        preprocessing=rules,
        features=widths.pop(),
    )


def _pad(name: str, rows: Rows, rules: Preprocessing, length: int, vocabulary_size: int) -> NDArray[np.int32]:
    smallest = min((int(row.min()) for row in rows if row.size), default=0)
    if smallest < 0:
        raise InputError(f"{name} has the id {smallest}; ids start at 0, which pads")
    unknown = rules.oov_id
    known: list[Any] = [
        row[row < vocabulary_size] if unknown is None else np.where(row < vocabulary_size, row, unknown) for row in rows
    ]
    # What a model refuses to fill or cut is still evaluated on rows that training would fill and cut in front.
    padding, truncating = ("pre" if side == "refuse" else side for side in (rules.padding, rules.truncating))
    return pad_ids(known, length=length, pad_id=rules.pad_id, padding=padding, truncating=truncating)


def _check_labels(
    name: str, parts: Mapping[str, Rows], labels: Mapping[str, NDArray[Any]], label_names: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Return both parts' labels as indices, and the names of the classes."""
    whole = {}
    for part, rows in parts.items():
        values = labels[part]
        if not len(rows):
            raise InputError(f"{name} has no rows in x_{part}; a data set needs a training and a test part")
        if values.shape != (len(rows),):
            raise InputError(
                f"{name}: y_{part} has the shape {values.shape}, expected ({len(rows)},), one label for each row"
            )
        if values.dtype.kind not in "buif" or not np.array_equal(values, np.round(values.astype(np.float64))):
            raise InputError(
                f"{name}: y_{part} ({values.dtype}) holds values that are not whole numbers; expected classes"
            )
        whole[part] = values.astype(np.int64)
    classes = np.unique(whole["train"])
    if len(classes) < 2:
        raise InputError(f"{name}: every row of y_train is of class {classes[0]}; training needs two classes or more")
    if not np.array_equal(classes, np.arange(len(classes))):
        raise InputError(
            f"{name}: y_train has {len(classes)} classes from {classes[0]} to {classes[-1]}; "
            "number them from 0, without gaps"
        )
    strange = np.setdiff1d(whole["test"], classes)
    if len(strange):
        raise InputError(f"{name}: y_test has the class {strange[0]}, which y_train does not have")
    if label_names and len(label_names) != len(classes):
        raise InputError(f"{name} has {len(classes)} classes, but {len(label_names)} names for them")
    return whole["train"], whole["test"], tuple(label_names) or tuple(str(index) for index in classes)
