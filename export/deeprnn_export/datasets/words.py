"""Read vocabularies: words by rank, from a file or from texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.strict_json import show
from deeprnn_edge.inputs.text import split_words
from deeprnn_export.datasets.tokenizer_files import read_word_source


def read_words(path: Path) -> tuple[tuple[str, ...], Preprocessing | None]:
    """Read the words behind ids that are there already.

    Args:
        path: JSON of word to rank (as Keras's ``imdb_word_index.json``) or one word a line, of which the ids follow
            ``keras.datasets.imdb``; or a Keras ``Tokenizer``'s JSON, which has rules of its own.

    Returns:
        The words by rank, and the rules where they are not those of ``keras.datasets.imdb``.

    Raises:
        InputError: for a file that is missing or none of these, and for a word or rank that comes twice.
    """
    source = read_word_source(path)
    if source.preprocessing is not None:
        return source.words, source.preprocessing
    if source.kind == "a word_index" and not source.are_ids:
        return words_by_rank(source.numbers, source.where), None
    if source.kind == "a word list":
        return tuple(source.numbers), None
    raise InputError(
        f"{path} is {source.kind} of ids, and ids in a data set follow keras.datasets.imdb: give words by rank from 1, "
        "or the Tokenizer's JSON that the ids were made with"
    )


def words_by_rank(index: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Order an index of word to rank; ranks are 1, 2, 3 and so on.

    A word that holds white space stands as ``<rank>``: no text contains either, and a vocabulary file is read
    by lines.
    """
    if not index:
        raise InputError(f"{where} has no words")
    words: list[str | None] = [None] * len(index)
    for word, rank in index.items():
        if not isinstance(rank, int) or not 1 <= rank <= len(words) or words[rank - 1] is not None:
            raise InputError(
                f"{where} gives {show(word)} the rank {show(rank)}; expected each rank from 1 to {len(words)} once"
            )
        words[rank - 1] = word if word.split() == [word] else f"<{rank}>"
    return tuple(word for word in words if word is not None)


def rank_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Rank the words of some texts, the most frequent first; words of one frequency by the alphabet."""
    counts = Counter(word for line in texts for word in split_words(line))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))
