"""Text to ids: the one rule that training and the device share.

The convention is that of ``keras.datasets.imdb``: 0 pads, 1 starts a text, 2 stands for an unknown
word, and the word of rank r (1 is the most frequent) is ``r + 3``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PAD_ID = 0
START_ID = 1
OOV_ID = 2
INDEX_OFFSET = 3

# What keras.preprocessing.text.Tokenizer filters: an apostrophe stays part of its word.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_TO_SPACE = str.maketrans(dict.fromkeys(FILTERS, " "))


def split_words(text: str) -> list[str]:
    """Lower case, filter characters to spaces, split at white space."""
    return text.lower().translate(_TO_SPACE).split()


def word_ids(words: Iterable[str], *, index_offset: int = INDEX_OFFSET) -> dict[str, int]:
    """The id of each word of a vocabulary that is ordered by rank, the most frequent word first."""
    return {word: rank + index_offset for rank, word in enumerate(words, start=1)}


def encode(text: str, ids: Mapping[str, int], *, start_id: int | None = START_ID, oov_id: int = OOV_ID) -> list[int]:
    """The ids of one text, not yet padded. An empty text is the start id alone."""
    get = ids.get
    encoded = [get(word, oov_id) for word in split_words(text)]
    return encoded if start_id is None else [start_id, *encoded]
