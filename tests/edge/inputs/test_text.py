"""The text rule, held against Keras's own tokeniser convention in stored cases, and its properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.text_steps import FILTERS, IMDB_STEPS, PUNCTUATION, TextStep
from deeprnn_edge.inputs.text import TextEncoder, compile_steps, split_words, word_ids

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
    words = ["the", "film"]
    assert word_ids(words) == {"the": 4, "film": 5}
    encode = TextEncoder(Preprocessing("text"), words).encode
    assert encode("The film, unseen") == [1, 4, 5, 2]
    assert encode("") == [1]


def test_ids_follow_other_rules() -> None:
    def ids(text: str, **rules: Any) -> list[int]:
        return TextEncoder(Preprocessing("text", **rules), ["the", "film"]).encode(text)

    assert ids("the", start_id=None) == [4]
    assert ids("the", end_id=9) == [1, 4, 9]
    assert ids("", end_id=9) == [1, 9]
    assert ids("unseen the unseen", oov_id=None) == [1, 4]
    assert ids("unseen film", start_id=None, oov_id=1, index_offset=1) == [1, 3]


def test_a_stream_starts_once_and_does_not_end() -> None:
    encoder = TextEncoder(Preprocessing("text", end_id=9), ["the", "film"])
    assert encoder.encode_further("the", begun=False) == [1, 4]
    assert encoder.encode_further("film unseen", begun=True) == [5, 2]


UNICODE, ASCII = TextStep("lower", letters="unicode"), TextStep("lower", letters="ascii")


@pytest.mark.parametrize(
    ("steps", "text", "words"),
    [
        ((), "The film", ["The film"]),
        ((), "", []),
        ((ASCII,), "ÉTÉ ABC", ["ÉtÉ abc"]),
        ((UNICODE,), "ÉTÉ ABC", ["été abc"]),
        ((TextStep("replace", characters=PUNCTUATION, by=""),), "don't, it's!", ["dont its"]),
        ((TextStep("substitute", text="<br />", by=" "), TextStep("split", by="whitespace")), "a<br />b", ["a", "b"]),
        ((TextStep("split", by="whitespace"),), "a\x1cb\xa0c\u2028d", ["a", "b", "c", "d"]),
        ((TextStep("split", by="ascii whitespace"),), "a\x1cb\xa0c\td\x0be", ["a\x1cb\xa0c", "d", "e"]),
        ((TextStep("split", by="characters"),), "a b", ["a", " ", "b"]),
        ((TextStep("split", by="separator", text="--"),), "a--b- -c----", ["a", "b- -c"]),
        # One step's result is what the next one sees, though both are one table.
        ((ASCII, TextStep("replace", characters="a", by="bc"), TextStep("replace", characters="cd", by="")),
         "AbcD", ["bb"]),
        ((TextStep("replace", characters="i", by="Y"), ASCII), "Ii", ["iy"]),
        ((TextStep("replace", characters="é", by=","), TextStep("substitute", text=",,", by="x")), "éé", ["x"]),
    ],
)  # fmt: skip
def test_steps_follow_each_other(steps: tuple[TextStep, ...], text: str, words: list[str]) -> None:
    assert compile_steps(steps)(text) == words


_ANY_STEP = st.one_of(
    st.sampled_from([UNICODE, ASCII]),
    st.builds(lambda characters, by: TextStep("replace", characters=characters, by=by), st.text(min_size=1), st.text()),
    st.builds(lambda text, by: TextStep("substitute", text=text, by=by), st.text(min_size=1), st.text()),
)


@given(st.lists(_ANY_STEP, max_size=5), st.text())
def test_one_table_does_what_the_steps_do_one_by_one(steps: list[TextStep], text: str) -> None:
    expected = text
    for step in steps:
        expected = "".join(compile_steps([step])(expected))
    assert "".join(compile_steps(steps)(text)) == expected


@given(st.text())
def test_the_default_is_the_rule_of_imdb(text: str) -> None:
    assert Preprocessing("text").text_steps == IMDB_STEPS
    filtered = "".join(" " if letter in FILTERS else letter for letter in text.lower())
    assert split_words(text) == filtered.split()


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
