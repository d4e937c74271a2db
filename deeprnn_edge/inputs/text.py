"""Turn text into words and words into ids: the rules that training and the device share.

The default is that of ``keras.datasets.imdb``: 0 pads, 1 starts a text, 2 stands for an unknown
word, and the word of rank r (1 is the most frequent) is ``r + 3``. A manifest states others as steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.text_steps import IMDB_STEPS, TextStep

PAD_ID = 0
START_ID = 1
OOV_ID = 2
INDEX_OFFSET = 3

Change = Callable[[str], str]
Split = Callable[[str], list[str]]

_ASCII_LOWER = {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
_ASCII_SPACES = dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")


def compile_steps(steps: Sequence[TextStep]) -> Split:
    """Make one function of the steps from a text to its words; an empty word is none.

    Steps that go character by character become one table, and so one pass over the text.
    """
    changes: list[Change] = []
    table: dict[int, str] = {}

    def close() -> None:
        if table:
            changes.append(_translating(dict(table)))
            table.clear()

    for step in steps:
        if step.step == "lower" and step.letters == "unicode":
            close()  # a letter's lower case may depend on its neighbours
            changes.append(str.lower)
        elif step.step == "lower":
            _extend(table, _ASCII_LOWER)
        elif step.step == "replace":
            _extend(table, dict.fromkeys(map(ord, step.characters or ""), step.by or ""))
        elif step.step == "substitute":
            close()
            changes.append(_substituting(step.text or "", step.by or ""))
        elif step.by == "ascii whitespace":
            _extend(table, _ASCII_SPACES)
    close()
    return _chain(changes, _splitting(steps[-1] if steps else None))


def _extend(table: dict[int, str], further: dict[int, str]) -> None:
    """Let a table do after its own what another one does."""
    for code, text in table.items():
        table[code] = text.translate(further)
    for code, text in further.items():
        table.setdefault(code, text)


def _translating(table: dict[int, str]) -> Change:
    """Make the quickest way to use a table: CPython has one for ASCII to ASCII, character to character or none."""
    each = {chr(code): text for code, text in table.items()}
    search = re.compile(f"[{''.join(map(re.escape, each))}]")
    quick: dict[int, str | None] = {code: text or None for code, text in table.items()}
    if not all(len(text) <= 1 and text.isascii() for text in table.values()):
        return lambda text: search.sub(lambda found: each[found[0]], text)

    def run(text: str) -> str:
        return text.translate(quick) if text.isascii() else search.sub(lambda found: each[found[0]], text)

    return run


def _substituting(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


def _splitting(step: TextStep | None) -> Split:
    if step is None or step.step != "split":
        return lambda text: [text] if text else []
    if step.by == "whitespace":
        return str.split
    if step.by == "characters":
        return list
    separator = step.text or " "
    return lambda text: [word for word in text.split(separator) if word]


def _chain(changes: Sequence[Change], split: Split) -> Split:
    if len(changes) == 2:  # the usual number: no loop for these two calls
        first, second = changes
        return lambda text: split(second(first(text)))

    def run(text: str) -> list[str]:
        for change in changes:
            text = change(text)
        return split(text)

    return run


split_words = compile_steps(IMDB_STEPS)


def word_ids(words: Iterable[str], *, index_offset: int = INDEX_OFFSET) -> dict[str, int]:
    """Return the id of each word of a vocabulary that is ordered by rank, the most frequent word first."""
    return {word: rank + index_offset for rank, word in enumerate(words, start=1)}


class TextEncoder:
    """Turn texts into ids by a bundle's rules.

    Attributes:
        split: the words of a text.
        ids: word to id; a word that is not there has the rules' ``oov_id``, or is left out where that is None.
    """

    def __init__(self, rules: Preprocessing, words: Iterable[str]) -> None:
        self.split = compile_steps(rules.text_steps)
        self.ids = word_ids(words, index_offset=rules.index_offset)
        self._oov_id = rules.oov_id
        self._start = [] if rules.start_id is None else [rules.start_id]
        self._end = [] if rules.end_id is None else [rules.end_id]

    def encode(self, text: str) -> list[int]:
        """Return the ids of one text, not yet padded. An empty text is the start and the end id alone."""
        words = self.encode_words(text)
        return [*self._start, *words, *self._end] if self._start or self._end else words

    def encode_words(self, text: str) -> list[int]:
        """Return the ids of a text's words alone."""
        get, oov_id = self.ids.get, self._oov_id
        if oov_id is None:
            return [found for word in self.split(text) if (found := get(word)) is not None]
        return list(map(get, self.split(text), repeat(oov_id)))

    def encode_further(self, text: str, *, begun: bool) -> list[int]:
        """Return the ids of a stream's next words: the start id in front of the first ones, and never an end id."""
        return self.encode_words(text) if begun else [*self._start, *self.encode_words(text)]
