"""Read vocabularies: words by rank, from a file or from texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import split_words


def read_words(path: Path) -> tuple[str, ...]:
    """Read words by rank from JSON of word to rank (as Keras's ``imdb_word_index.json``), or from one word a line.

    Raises:
        InputError: for a file that is missing, empty or neither, and for a word or rank that comes twice.
    """
    try:
        content = path.read_text(encoding="utf-8")
        index = json.loads(content) if path.suffix == ".json" else None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the vocabulary {path}: {error}") from error
    if index is not None:
        if not isinstance(index, dict):
            raise InputError(
                f"the vocabulary {path} holds a {type(index).__name__}; expected an object of word to rank"
            )
        return words_by_rank(index, str(path))
    # Not splitlines(): it also splits at characters that a word of the IMDB index may be.
    words = tuple(line.removesuffix("\r") for line in content.removesuffix("\n").split("\n"))
    for word, count in Counter(words).items():
        if count > 1 or not word.strip():
            raise InputError(
                f"the vocabulary {path} has the word {word!r} {count} times; expected one word a line, by rank"
            )
    return words


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
                f"{where} gives {word!r} the rank {rank!r}; expected each rank from 1 to {len(words)} once"
            )
        words[rank - 1] = word if word.split() == [word] else f"<{rank}>"
    return tuple(word for word in words if word is not None)


def rank_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Rank the words of some texts, the most frequent first; words of one frequency by the alphabet."""
    counts = Counter(word for line in texts for word in split_words(line))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))
