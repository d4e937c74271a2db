"""Recognise what people have of their words: a Tokenizer's JSON, a word_index, a get_vocabulary() list, a word list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.strict_json import parse, show
from deeprnn_export.datasets.text_layers import SPECIAL, check_index, text_vectorization_rules, tokenizer_rules

Kind = Literal["a Keras Tokenizer", "a TextVectorization", "a word_index", "a get_vocabulary() list", "a word list"]


@dataclass(frozen=True)
class WordSource:
    """Hold words, and as much of the rules as came with them.

    Attributes:
        kind: what was recognised.
        where: the file, for messages.
        numbers: word to id, or to rank from 1.
        are_ids: whether the numbers are ids as the model has them; else ranks, or not known which.
        preprocessing: the rules, where they are told, without how texts are padded.
        words: by id, where the rules are told.
        tokenizer: a Tokenizer's JSON, for what it gives to be compared.
    """

    kind: Kind
    where: str
    numbers: Mapping[str, int]
    are_ids: bool = False
    preprocessing: Preprocessing | None = None
    words: tuple[str, ...] = ()
    tokenizer: str | None = None


def read_word_source(given: Any, *, what: str = "the vocabulary") -> WordSource:
    """Read a file by what it holds, or take a Tokenizer, a word_index or words as they are in Python.

    Args:
        given: a path, a ``Tokenizer``, an index of word to number, or words in their order.
        what: the option's name in messages.

    Raises:
        InputError: for a file that cannot be read or is none of these, and for a word that comes twice.
    """
    if isinstance(given, str | Path):
        path = Path(given)
        try:
            content = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise InputError(f"cannot read {what} {path}: {error}") from error
        return _from_text(content, str(path))
    if hasattr(given, "to_json") and hasattr(given, "word_index"):
        return _from_json(json.loads(given.to_json()), what)
    return _from_json(dict(given) if isinstance(given, Mapping) else list(given), what)


def _from_text(content: str, where: str) -> WordSource:
    first = content.lstrip()[:1]
    is_json = Path(where).suffix == ".json"
    if is_json or first in ("{", "[", '"'):
        try:
            return _from_json(parse(content), where)
        except ValueError as error:
            # Of a word list the first word may begin so; of a damaged file much else is JSON too.
            if is_json or first == "{":
                raise InputError(f"{where} is damaged: it is named or begins as JSON, and is none ({error})") from error
    # Not splitlines(): it also splits at characters that a word may be.
    return _from_words([line.removesuffix("\r") for line in content.removesuffix("\n").split("\n")], where)


def _from_json(value: Any, where: str) -> WordSource:
    if isinstance(value, str):  # json.dump(tokenizer.to_json(), file), as many tutorials have it
        try:
            value = parse(value)
        except ValueError as error:
            raise InputError(f"{where} holds one text that is no JSON; {_expected()}") from error
    if isinstance(value, list):
        return _from_words(value, where)
    if not isinstance(value, dict):
        raise InputError(f"{where} holds a {type(value).__name__}; {_expected()}")
    config = value.get("config", value)
    if isinstance(config, dict) and {"word_index", "filters"} <= config.keys():
        rules, words = tokenizer_rules(config, where)
        text = json.dumps({"class_name": "Tokenizer", "config": config})
        return WordSource("a Keras Tokenizer", where, {}, preprocessing=rules, words=words, tokenizer=text)
    if isinstance(config, dict) and {"standardize", "output_mode"} <= config.keys():
        listed = config.get("vocabulary")
        if not isinstance(listed, list):
            raise InputError(
                f"{where} is the config of a TextVectorization without its words, as of an adapted one; "
                "write layer.get_vocabulary() to a file, and give the config with rules="
            )
        rules = text_vectorization_rules(config)
        kept = tuple(word for word in _from_words(listed, where).numbers if word not in SPECIAL)
        return WordSource("a TextVectorization", where, {}, preprocessing=rules, words=kept)
    if "class_name" in value or "config" in value:
        raise InputError(f"{where} is the config of a {value.get('class_name')!r}; {_expected()}")
    index = check_index(value, where)
    return WordSource("a word_index", where, index, are_ids=0 in index.values())


def _from_words(words: Sequence[Any], where: str) -> WordSource:
    if not words or words == [""]:
        raise InputError(f"{where} has no words")
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"{where} has {show(word)} among its words; {_expected()}")
    for word, count in Counter(words).items():
        if count > 1:
            raise InputError(f"{where} has the word {show(word)} {count} times; expected each once, by rank")
    if tuple(words[:2]) == SPECIAL:
        numbers = {word: place for place, word in enumerate(words)}
        return WordSource("a get_vocabulary() list", where, numbers, are_ids=True)
    if "" in words:
        raise InputError(f"{where} has an empty word in line {list(words).index('') + 1}; {_expected()}")
    return WordSource("a word list", where, {word: rank for rank, word in enumerate(words, start=1)})


def _expected() -> str:
    return "expected a Tokenizer's to_json(), a word_index, a get_vocabulary() list, or words by rank, one a line"
