"""Words by rank come back as they were, whatever they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn_edge.bundle.vocabulary import VOCABULARY, decode_vocabulary, encode_vocabulary, vocabulary_name
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_words_come_back(words: list[str]) -> None:
    name = vocabulary_name(words)
    assert decode_vocabulary(encode_vocabulary(name, words), Path(name)) == words


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["the", "it's", "a b", "no\xa0break", "", "\ufeff"], "vocabulary.txt"),
        (["the", " "], "vocabulary.json"),
        (["the", "\x85"], "vocabulary.json"),
        (["one\u2028two"], "vocabulary.json"),
        (["word\r"], "vocabulary.json"),
    ],
)
def test_lines_where_lines_can_hold_the_words(words: list[str], name: str) -> None:
    assert vocabulary_name(words) == name


def test_lines_that_an_editor_ended_otherwise() -> None:
    assert decode_vocabulary("the\r\nfilm\r\n", Path(VOCABULARY)) == ["the", "film"]
    assert decode_vocabulary("the\nfilm", Path(VOCABULARY)) == ["the", "film"]
    assert decode_vocabulary("", Path(VOCABULARY)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": 1}', "no list of words"),
        ("[1]", "no list of words"),
    ],
)
def test_json_that_is_no_list_of_words(text: str, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        decode_vocabulary(text, Path("vocabulary.json"))


def test_more_words_in_json_than_a_device_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "VOCABULARY_WORDS", 10)
    with pytest.raises(BundleError, match=r"more than 10 words; .*--keep-words"):
        decode_vocabulary(str(["a"] * 30), Path("vocabulary.json"))
