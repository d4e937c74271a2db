"""The text rule, held against Keras's own tokeniser convention in stored cases, and its properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn_edge.inputs.text import FILTERS, encode, split_words, word_ids

# What keras.preprocessing.text.text_to_word_sequence of Keras 2.15 gives for these.
CASES = {
    "A gorgeous, moving film!": ["a", "gorgeous", "moving", "film"],
    "It's NEVER (ever) boring...": ["it's", "never", "ever", "boring"],
    "two<br /><br />lines\n\tand tabs": ["two", "br", "br", "lines", "and", "tabs"],
    "café naïve Élan": ["café", "naïve", "élan"],
    "  ": [],
    "a--b_c": ["a", "b", "c"],
}


@pytest.mark.parametrize(("text", "words"), CASES.items())
def test_splits_as_keras_does(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_ids_follow_the_imdb_convention() -> None:
    ids = word_ids(["the", "film"])
    assert ids == {"the": 4, "film": 5}
    assert encode("The film, unseen", ids) == [1, 4, 5, 2]
    assert encode("the", ids, start_id=None) == [4]
    assert encode("", ids) == [1]


@given(st.text())
def test_words_hold_no_filter_and_no_white_space(text: str) -> None:
    for word in split_words(text):
        assert word
        assert not set(word) & set(FILTERS)
        assert word.split() == [word]


@given(st.text())
def test_splitting_its_own_words_changes_nothing(text: str) -> None:
    words = [word for word in split_words(text) if word.lower() == word]
    assert split_words(" ".join(words)) == words
