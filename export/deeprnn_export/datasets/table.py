"""Read texts and their labels from a ``.csv`` or ``.tsv``: split, vocabulary, ids."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_export.datasets.labelled import Dataset, make_id_dataset
from deeprnn_export.datasets.words import rank_words

TEST_SHARE = 0.2
SPLIT_SEED = 0  # fixed, so that what one command trained on, another never takes for its test part
MAX_NUMBERS = 20  # distinct numeric labels beyond which they are taken for quantities, not classes


def read_text_dataset(
    path: Path,
    *,
    max_length: int | None,
    vocabulary_size: int,
    words: Sequence[str] = (),
    rules: Preprocessing | None = None,
) -> Dataset:
    """Read a table with a header: the columns ``text`` and ``label``, else its first two in this order.

    A first row whose label occurs again below is no header, but a row like the others. A fifth of each label's
    rows is the test part; the vocabulary comes from the training part alone, unless there is one already, with its
    rules. Classes are the labels in order.

    Raises:
        InputError: for a table that cannot be read, has no such columns, or labels that are no classes.
    """
    texts, labels = _read_columns(path)
    names = _class_names(path, labels)
    numbers = {name: number for number, name in enumerate(names)}
    y = np.array([numbers[label] for label in labels], np.int64)
    test = _test_rows(y)
    parts = {"train": np.flatnonzero(~test), "test": np.flatnonzero(test)}
    words = tuple(words) or rank_words(texts[row] for row in parts["train"])
    if not words:
        raise InputError(f"{path} has no words in its column of texts")
    encode = TextEncoder(rules or Preprocessing("text"), words).encode
    return make_id_dataset(
        path.stem,
        {part: [np.array(encode(texts[row]), np.int64) for row in rows] for part, rows in parts.items()},
        {part: y[rows] for part, rows in parts.items()},
        label_names=names,
        words=words,
        rules=rules,
        vocabulary_size=vocabulary_size,
        max_length=max_length,
    )


def _read_columns(path: Path) -> tuple[list[str], list[str]]:
    """Read the texts and the labels, row by row."""
    try:
        # utf-8-sig: spreadsheets write a byte order mark, which would become part of the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected UTF-8 text with a header row") from error
    if not rows:
        raise InputError(f"{path} is empty; expected a header row and the columns text and label")
    header = [name.strip().lower() for name in rows[0][1]]
    named = "text" in header and "label" in header
    if not named and len(header) < 2:
        raise InputError(f"{path} has the one column {rows[0][1][0]!r}; expected two, text and label")
    text, label = (header.index("text"), header.index("label")) if named else (0, 1)
    body = rows[1:]
    if not named and any(len(row) > 1 and row[1].strip() == rows[0][1][1].strip() for _, row in body):
        body = rows
    texts, labels = [], []
    for line, row in body:
        if len(row) <= max(text, label) or not row[label].strip():
            raise InputError(f"{path}, line {line}: {len(row)} columns and no label; expected a text and its label")
        texts.append(row[text])
        labels.append(row[label].strip())
    if not texts:
        raise InputError(f"{path} has a header and no rows")
    return texts, labels


def _class_names(path: Path, labels: list[str]) -> tuple[str, ...]:
    counts = Counter(labels)
    numeric = all(_is_number(name) for name in counts)
    if numeric and len(counts) > MAX_NUMBERS:
        raise InputError(
            f"{path} has {len(counts)} different numbers as labels, which looks like a quantity and not like classes; "
            f"give at most {MAX_NUMBERS} numbered classes, or names"
        )
    if len(counts) < 2:
        raise InputError(f"{path} has the one label {labels[0]!r}; training needs two or more")
    rare, count = min(counts.items(), key=lambda item: item[1])
    if count < 2:
        raise InputError(
            f"{path} has {len(counts)} labels in {len(labels)} rows, and {rare[:40]!r} occurs once; each needs 2 rows "
            "or more, one to train and one to test. Are the columns text and label in this order?"
        )
    return tuple(sorted(counts, key=float) if numeric else sorted(counts))


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _test_rows(y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Choose the rows for testing: a fifth of each class, at least one and never all."""
    random = np.random.default_rng(SPLIT_SEED)
    test = np.zeros(len(y), bool)
    # By one sort: looking through all rows for each label takes minutes where there are thousands of labels.
    order = np.argsort(y, kind="stable")
    starts = np.flatnonzero(np.diff(y[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        rows = random.permutation(members)
        test[rows[: max(1, round(TEST_SHARE * len(rows)))]] = True
    return test
