"""Write and read a bundle's words by rank: one a line, or as a JSON list where a line cannot hold a word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits
from deeprnn_edge.files.strict_json import parse

VOCABULARY = "vocabulary.txt"
VOCABULARY_JSON = "vocabulary.json"

_LINE_ENDS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")  # those of str.splitlines
_KEEP_FEWER = "keep the most frequent words: deeprnn-edge export MODEL --keep-words COUNT"


def vocabulary_name(words: Sequence[str]) -> str:
    """Return the name of the file that can hold the words: JSON where one has a line end or is white space alone."""
    plain = all((word.strip() or not word) and _LINE_ENDS.isdisjoint(word) for word in words)
    return VOCABULARY if plain else VOCABULARY_JSON


def encode_vocabulary(name: str, words: Sequence[str]) -> str:
    """Return the content of the file of that name."""
    if name.endswith(".json"):
        return json.dumps(words, ensure_ascii=False, indent=0) + "\n"
    return "".join(f"{word}\n" for word in words)


def decode_vocabulary(text: str, path: PurePath) -> list[str]:
    """Read the words of a file.

    Raises:
        BundleError: for more words than a bundle may have, and for JSON that is no list of words.
    """
    if path.suffix != ".json":
        if (lines := text.count("\n")) > limits.VOCABULARY_WORDS:
            most = f"and {limits.VOCABULARY_WORDS:,} are the most"
            raise BundleError(f"{path} has {lines:,} lines, {most}; {_KEEP_FEWER}")
        # By line feeds alone: a word may hold what else splitlines takes for a line end. An editor adds the \r.
        return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    if text.count(",") > limits.VOCABULARY_WORDS * 2:
        raise BundleError(f"{path} has more than {limits.VOCABULARY_WORDS:,} words; {_KEEP_FEWER}")
    try:
        words = parse(text)
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: {error}; copy the bundle again") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BundleError(f"{path} is no list of words; copy the bundle again")
    return words
