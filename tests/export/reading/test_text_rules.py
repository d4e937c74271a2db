"""Words and rules for text from what people have: recognised, or an error that names the choices, never a guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from keras.src.legacy.preprocessing.text import Tokenizer

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.text_steps import IMDB_STEPS, TextStep
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_export.datasets.text_layers import text_vectorization_rules
from deeprnn_export.datasets.tokenizer_files import read_word_source
from deeprnn_export.reading.text_rules import TextOptions, read_text_rules

TEXTS = ["the film was the best", "a film, A FILM", "don't"]


def tokenizer(**options: Any) -> Tokenizer:
    made = Tokenizer(**options)
    made.fit_on_texts(TEXTS)
    return made


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


INDEX = {"the": 1, "film": 2, "a": 3}


@pytest.mark.parametrize(
    ("name", "content", "kind", "are_ids"),
    [
        ("t.json", tokenizer().to_json(), "a Keras Tokenizer", False),
        ("t.txt", tokenizer().to_json(), "a Keras Tokenizer", False),
        ("twice.json", json.dumps(tokenizer().to_json()), "a Keras Tokenizer", False),
        ("config.json", tokenizer().get_config(), "a Keras Tokenizer", False),
        ("index.json", INDEX, "a word_index", False),
        ("ids.json", {"<PAD>": 0, "<START>": 1, "<UNK>": 2, "the": 4}, "a word_index", True),
        ("v.json", ["", "[UNK]", "the", "film"], "a get_vocabulary() list", True),
        ("v.txt", "\n[UNK]\nthe\nfilm\n", "a get_vocabulary() list", True),
        ("w.json", ["the", "film"], "a word list", False),
        ("w.txt", "the\nfilm\n", "a word list", False),
        ("w.txt", "the\r\nfilm\r\n", "a word list", False),
        ("w.txt", "\ufeffthe\nfilm", "a word list", False),
        ("quote.txt", '"\nthe\n[\n', "a word list", False),
    ],
)
def test_what_a_file_is(tmp_path: Path, name: str, content: Any, kind: str, are_ids: bool) -> None:
    source = read_word_source(write(tmp_path, name, content))
    assert (source.kind, source.are_ids) == (kind, are_ids)
    assert not any("\ufeff" in word or "\r" in word for word in source.numbers)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.txt", "", "has no words"),
        ("w.txt", "the\nthe\n", "has the word 'the' 2 times"),
        ("w.txt", "the\n\nfilm\n", "has an empty word in line 2"),
        ("w.json", "[1, 2]", "has 1 among its words; expected a Tokenizer's to_json"),
        ("w.json", "[]", "has no words"),
        ("w.json", "{}", "has no words"),
        ("w.json", "{", "is damaged: it is named or begins as JSON"),
        ("w.json", "[" * 100_000, "JSON"),
        ("w.json", '"words"', "one text that is no JSON"),
        ("w.json", '"3"', "holds a int"),
        ("i.json", {"the": "first"}, "gives 'the' the number 'first'"),
        ("i.json", {"the": 1, "film": 1}, "gives 'the' and 'film' the number 1"),
        ("i.json", {"the": True}, "the number True"),
        ("m.json", {"class_name": "Sequential", "config": {"layers": []}}, "is the config of a 'Sequential'"),
        ("t.json", {"class_name": "Tokenizer", "config": {"filters": "", "word_index": "{"}}, "is no whole Tokenizer"),
    ],
)
def test_what_is_none(tmp_path: Path, name: str, content: Any, said: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=f"{path.name}.* .*{said}|{said}"):
        read_word_source(path)


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the vocabulary .*none\.txt"):
        read_word_source(tmp_path / "none.txt")
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04\x95")
    with pytest.raises(InputError, match=r"cannot read the tokenizer .*model\.pkl"):
        read_word_source(tmp_path / "model.pkl", what="the tokenizer")


SETTINGS: list[dict[str, Any]] = [
    {},
    {"oov_token": "<OOV>"},
    {"oov_token": "film"},  # a word of the texts too
    {"num_words": 3},
    {"num_words": 3, "oov_token": "<OOV>"},
    {"num_words": 1, "oov_token": "<OOV>"},
    {"lower": False},
    {"filters": ""},
    {"filters": "aé", "split": "--"},
    {"char_level": True},
    {"char_level": True, "oov_token": "?", "lower": False},
]
ASKED = [
    "the FILM, best: unseen film",
    "",
    "a--a  a\tb\nc",
    "İSTANBUL don't <OOV> film",
    "the\u00a0film\x0bthe\u2028film",
]


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_a_tokenizer_gives_the_same_ids(options: dict[str, Any]) -> None:
    own = tokenizer(**options)
    for given in (own, json.loads(own.to_json())):
        rules = read_text_rules(TextOptions(tokenizer=given), None)
        assert rules.asks_padding
        encode = TextEncoder(rules.preprocessing, rules.words).encode
        assert [encode(text) for text in ASKED] == own.texts_to_sequences(ASKED)


def test_a_split_at_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="splits at nothing"):
        read_text_rules(TextOptions(tokenizer=tokenizer().get_config() | {"split": ""}), None)


@pytest.mark.parametrize("words", [["the", "film"], INDEX, ["", "[UNK]", "the", "film"], Path("w.txt")], ids=str)
def test_rules_that_cannot_be_told_are_an_error(tmp_path: Path, words: Any) -> None:
    if isinstance(words, Path):
        words = write(tmp_path, "w.txt", "the\nfilm\n")
    with pytest.raises(
        InputError, match=r"does not say how a text becomes these words.*rules= imdb.*textvectorization"
    ):
        read_text_rules(TextOptions(words), None)


@pytest.mark.parametrize(
    ("words", "rules", "ids"),
    [
        (["the", "film"], "imdb", [1, 4, 5, 2, 2]),
        ({"<PAD>": 0, "<START>": 1, "<UNK>": 2, "<UNUSED>": 3, "the": 4, "film": 5}, "imdb", [1, 4, 5, 2, 2]),
        (["the", "film"], "textvectorization", [2, 3, 1, 1]),
        (["", "[UNK]", "the", "film"], "textvectorization", [2, 3, 1, 1]),
        ({"": 0, "[UNK]": 1, "the": 2, "film": 3}, "textvectorization", [2, 3, 1, 1]),
        (["the", "film"], "tokenizer", [1, 2]),
        ({"<OOV>": 1, "the": 2, "film": 3}, "tokenizer", [2, 3, 1, 1]),
        (["<unk>", "the", "film"], "tokenizer", [2, 3, 1, 1]),
        ({"the": 1, "film": 5}, "tokenizer", [1, 5]),
    ],
)
def test_rules_by_name(words: Any, rules: str, ids: list[int]) -> None:
    found = read_text_rules(TextOptions(words, rules=rules), None)
    assert TextEncoder(found.preprocessing, found.words).encode("THE film? isn't, was") == ids


def test_ids_that_the_caller_gives() -> None:
    def ids(**options: Any) -> list[int]:
        found = read_text_rules(TextOptions(["the", "film"], **options), None)
        return TextEncoder(found.preprocessing, found.words).encode("the unseen film")

    assert ids(rules="tokenizer", oov_id=1, index_offset=1) == [2, 1, 3]
    assert ids(rules="tokenizer", start_id=9) == [9, 1, 2]
    assert ids(rules="imdb", start_id="none", oov_id="none") == [4, 5]


def test_rules_from_a_file(tmp_path: Path) -> None:
    steps = [{"step": "lower", "letters": "ascii"}, {"step": "split", "by": "separator", "text": "|"}]
    own = write(tmp_path, "rules.json", {"steps": steps, "start_id": None, "oov_id": None, "index_offset": 0})
    whole = write(tmp_path, "manifest.json", {"preprocessing": {"kind": "text", "start_id": 7}})
    layer = write(tmp_path, "layer.json", {"standardize": "lower", "split": "character", "output_mode": "int"})

    def ids(path: Path, words: Any) -> list[int]:
        found = read_text_rules(TextOptions(words, rules=path), None)
        return TextEncoder(found.preprocessing, found.words).encode("The|film")

    assert ids(own, ["film", "the"]) == [2, 1]
    assert ids(whole, ["film", "the"]) == [7, 5, 4]
    assert ids(layer, ["", "[UNK]", "t"]) == [2, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot read the rules"),
        ("[]", "hold a list"),
        ('{"steps": [{"step": "stem"}]}', "is 'stem', a step that this release does not know"),
        ('{"speed": 1}', "unknown field 'speed'"),
        ('{"steps": [{"step": "lower"}]}', "expected letters"),
    ],
)
def test_rules_that_cannot_be(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_text_rules(TextOptions(["a"], rules=write(tmp_path, "rules.json", content)), None)


def test_options_that_do_not_go_together() -> None:
    with pytest.raises(InputError, match="rules='imbd': neither imdb"):
        read_text_rules(TextOptions(["a"], rules="imbd"), None)
    with pytest.raises(InputError, match="not with both"):
        read_text_rules(TextOptions(["a"], tokenizer=tokenizer()), None)
    with pytest.raises(InputError, match="states its own rules"):
        read_text_rules(TextOptions(tokenizer=tokenizer(), rules="imdb"), None)
    assert read_text_rules(TextOptions(tokenizer=tokenizer(), rules="tokenizer"), None).asks_padding


def test_what_training_left_is_told() -> None:
    rules = read_text_rules(TextOptions(["the"]), Preprocessing("text", start_id=None))
    assert rules.preprocessing.text_steps == IMDB_STEPS
    assert TextEncoder(rules.preprocessing, rules.words).encode("the") == [4]


def test_ids_with_large_gaps() -> None:
    with pytest.raises(InputError, match="expected ids without gaps"):
        read_text_rules(TextOptions({"the": 1, "film": 5_000_000}, rules="tokenizer"), None)


@pytest.mark.parametrize(
    ("option", "value"),
    [("ngrams", 2), ("output_mode", "multi_hot"), ("ragged", True), ("sparse", True), ("encoding", "latin-1")],
)
def test_what_no_step_does_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(UnsupportedModelError, match=f"'words' .*{option}={value!r}"):
        text_vectorization_rules({option: value}, "words")


@pytest.mark.parametrize("option", ["standardize", "split"])
def test_functions_of_the_users_own_are_refused(option: str) -> None:
    with pytest.raises(UnsupportedModelError, match=f"a function of its own as {option}"):
        text_vectorization_rules({option: lambda text: text})
    with pytest.raises(UnsupportedModelError, match=f"a function of its own as {option}"):
        text_vectorization_rules({option: {"class_name": "function"}})


def test_a_layers_config(tmp_path: Path) -> None:
    config = {"standardize": None, "split": "whitespace", "output_mode": "int", "output_sequence_length": 5}
    told = read_text_rules(
        TextOptions(write(tmp_path, "l.json", {"config": config | {"vocabulary": ["a", "b"]}})), None
    )
    assert (told.words, told.preprocessing.max_length) == (("a", "b"), 5)
    assert told.preprocessing.steps == (TextStep("split", by="ascii whitespace"),)
    with pytest.raises(InputError, match="without its words"):
        read_word_source(write(tmp_path, "l.json", {"config": config | {"vocabulary": None}}))
