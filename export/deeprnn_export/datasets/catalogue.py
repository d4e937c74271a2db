"""Load data sets by name or path, ready to train on.

``reviews`` and ``vowels`` come with the package (see ``data/PROVENANCE.md``); ``imdb`` is downloaded by
Keras; a path is the user's own ``.npz``, ``.csv`` or ``.tsv``.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import INDEX_OFFSET
from deeprnn_export.datasets.labelled import Dataset, make_id_dataset
from deeprnn_export.datasets.npz import read_npz_dataset
from deeprnn_export.datasets.table import read_text_dataset
from deeprnn_export.datasets.words import read_words, words_by_rank

__all__ = ["NAMES", "Dataset", "load_dataset"]

NAMES = ("reviews", "vowels", "imdb")
VOCABULARY_SIZE = 10_000

_SHIPPED_LABELS = {
    "reviews": ("negative", "positive"),
    "vowels": tuple(f"speaker {number}" for number in range(1, 10)),
}
_UNREACHABLE_AFTER_SECONDS = 20.0


def load_dataset(
    name_or_path: str | Path,
    *,
    max_length: int | None = None,
    vocabulary_size: int = VOCABULARY_SIZE,
    vocabulary: str | Path | None = None,
    words: Sequence[str] = (),
    rules: Preprocessing | None = None,
) -> Dataset:
    """Load ``reviews``, ``vowels``, ``imdb`` or a file.

    A ``.npz`` has ``x_train``, ``y_train``, ``x_test``, ``y_test``: padded ids ``(rows, time)``, flat ids with
    ``offsets_train`` and ``offsets_test``, or features ``(rows, time, features)`` with ``length_train`` and
    ``length_test`` where rows are padded. Ids follow ``keras.datasets.imdb``: 0 pads, 1 starts, 2 is an unknown
    word, the word of rank r is r + 3. A ``.csv`` or ``.tsv`` has the columns ``text`` and ``label`` (else its
    first two); a fifth of its rows, the same ones each time, is the test part.

    Args:
        max_length: time steps, padded and cut at the front; by default 100 for ids, the longest row for features.
        vocabulary_size: how many ids there are; larger ones become the unknown word.
        vocabulary: for ids in a ``.npz``, a file of the words: JSON of word to rank, one word a line by rank, or a
            Keras ``Tokenizer``'s JSON, whose rules the ids then follow.
        words, rules: of a model that is there already; a table's texts are read so, and rows are padded so.

    Raises:
        InputError: for a file or option that cannot be used, and where ``imdb`` cannot be downloaded.
    """
    if max_length is not None and max_length < 1:
        raise InputError(f"max length {max_length}; a sequence has at least 1 step")
    if vocabulary_size <= INDEX_OFFSET + 1:
        raise InputError(
            f"vocabulary size {vocabulary_size}; the ids 0 to {INDEX_OFFSET} are reserved, so give 5 or more"
        )
    path = Path(name_or_path)
    if vocabulary is not None and path.suffix != ".npz":
        raise InputError(f"a vocabulary belongs to ids in a .npz; {name_or_path} has its own words, leave it out")
    options: Any = {"max_length": max_length, "vocabulary_size": vocabulary_size}
    if name_or_path in _SHIPPED_LABELS:
        name = str(name_or_path)
        with as_file(files("deeprnn_export.datasets") / "data" / f"{name}.npz") as shipped:
            return read_npz_dataset(shipped, label_names=_SHIPPED_LABELS[name], rules=rules, **options)
    if name_or_path == "imdb":
        return _download_imdb(rules=rules, **options)
    if not path.exists():
        raise InputError(
            f"no data set or file {str(name_or_path)!r}; there are {', '.join(NAMES)}, "
            "or give a path to a .npz, .csv or .tsv"
        )
    if path.suffix == ".npz":
        if vocabulary is not None:
            words, rules = read_words(Path(vocabulary))
        return read_npz_dataset(path, words=words, rules=rules, **options)
    if path.suffix in (".csv", ".tsv"):
        return read_text_dataset(path, words=words, rules=rules, **options)
    raise InputError(f"{path} is no data set; expected a .npz, .csv or .tsv file, or one of {', '.join(NAMES)}")


def _download_imdb(*, max_length: int | None, vocabulary_size: int, rules: Preprocessing | None) -> Dataset:
    import keras

    try:
        # Keras prints its progress to stdout, which belongs to the results.
        with contextlib.redirect_stdout(sys.stderr), _timeout(_UNREACHABLE_AFTER_SECONDS):
            (x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=vocabulary_size)
            index = keras.datasets.imdb.get_word_index()
    except Exception as error:  # Keras raises a bare Exception where the host cannot be reached
        raise InputError(
            f"imdb could not be downloaded ({' '.join(str(error).split())}); "
            "reviews and vowels need no connection, or give a path to your own data"
        ) from error
    return make_id_dataset(
        "imdb",
        {"train": [np.asarray(row) for row in x_train], "test": [np.asarray(row) for row in x_test]},
        {"train": np.asarray(y_train), "test": np.asarray(y_test)},
        label_names=("negative", "positive"),
        rules=rules,
        words=words_by_rank(index, "imdb's word index"),
        vocabulary_size=vocabulary_size,
        max_length=max_length,
    )


@contextlib.contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Let sockets give up after some silence: a host behind a firewall would otherwise hold us for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
