"""Data sets: text as the device sees it, one layout against another, and files that cannot be used."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs import text
from deeprnn_edge.inputs.items import to_batch
from deeprnn_export.datasets.catalogue import Dataset, load_dataset


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    """No model is built here, so there is no Keras session to clear, which takes longer than these tests."""


TABLE = [("good, really GOOD", "yes"), ("bad film", "no"), ("a film", "yes"), ("awful", "no"), ("what?", "yes")] * 4


def write_table(path: Path, rows: list[tuple[str, str]], header: str | None = "text,label") -> Path:
    lines = [header] if header else []
    path.write_text("\n".join([*lines, *(f'"{a}",{b}' for a, b in rows)]) + "\n", encoding="utf-8")
    return path


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def ids_file(path: Path, **changes: Any) -> Path:
    arrays = {"x_train": [[0, 1, 4], [1, 5, 4]], "y_train": [0, 1], "x_test": [[0, 0, 1]], "y_test": [1]}
    return save(path, **{name: np.asarray(value) for name, value in (arrays | changes).items() if value is not None})


def npy_bytes() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


def decode(dataset: Dataset, row: np.ndarray) -> str:
    """Ids back to words, by the convention of keras.datasets.imdb, on its own."""
    return " ".join(dataset.words[i - 4] if i > 3 else {1: "<start>", 2: "<oov>"}[int(i)] for i in row if i)


def test_reviews_are_what_the_device_makes_of_their_words() -> None:
    dataset = load_dataset("reviews")
    assert (dataset.x_train.shape, dataset.x_test.shape) == ((8453, 100), (2113, 100))
    assert (dataset.x_train.dtype, len(dataset.words), dataset.x_train.max()) == (np.int32, 9996, 9999)
    assert dataset.labels == ("negative", "positive")
    encoder = text.TextEncoder(dataset.preprocessing, dataset.words)
    for row in dataset.x_test[:50]:
        words = decode(dataset, row).replace("<start> ", "").replace("<oov>", "~unheard~")
        np.testing.assert_array_equal(to_batch([encoder.encode(words)], dataset.preprocessing, 100)[0], row)


def test_vowels_keep_every_step_and_pad_in_front() -> None:
    dataset = load_dataset("vowels")
    assert (dataset.x_train.shape, dataset.features, len(dataset.labels)) == ((270, 29, 12), 12, 9)
    assert dataset.x_train.dtype == np.float32
    lengths = (dataset.x_train != 0).any(axis=2).sum(axis=1)
    assert (lengths.min(), lengths.max()) == (7, 26)
    assert all(
        (row[29 - length :] != 0).any(axis=1).all() for row, length in zip(dataset.x_train, lengths, strict=True)
    )


def test_three_layouts_of_the_same_ids_give_the_same_data(tmp_path: Path) -> None:
    rows = [[1, 4, 6], [1], [1, 5, 5, 9, 300]]
    y = {"y_train": np.array([0, 1, 1]), "y_test": np.array([0, 1, 1])}

    def padded(side: str) -> np.ndarray:
        return keras.utils.pad_sequences(rows, maxlen=7, padding=side)

    offsets, flat = np.array([0, 3, 4, 9]), np.concatenate([np.array(row) for row in rows])
    loaded = [
        load_dataset(save(tmp_path / "pre.npz", x_train=padded("pre"), x_test=padded("pre"), **y), max_length=4),
        load_dataset(save(tmp_path / "post.npz", x_train=padded("post"), x_test=padded("post"), **y), max_length=4),
        load_dataset(
            save(tmp_path / "flat.npz", x_train=flat, x_test=flat, offsets_train=offsets, offsets_test=offsets, **y),
            max_length=4,
            vocabulary_size=50,
        ),
    ]
    expected = keras.utils.pad_sequences(rows, maxlen=4)
    np.testing.assert_array_equal(loaded[0].x_train, expected)
    np.testing.assert_array_equal(loaded[1].x_test, expected)
    np.testing.assert_array_equal(loaded[2].x_train, np.where(expected == 300, text.OOV_ID, expected))


def test_a_word_index_and_a_word_list_name_the_same_words(tmp_path: Path) -> None:
    path = ids_file(tmp_path / "own.npz")
    (tmp_path / "index.json").write_text(json.dumps({"film": 2, "the": 1, "\x85": 3, "good": 4}))
    (tmp_path / "words.txt").write_text("the\nfilm\n<3>\ngood\n")
    index, words = (load_dataset(path, vocabulary=tmp_path / name) for name in ("index.json", "words.txt"))
    assert index.words == words.words == ("the", "film", "<3>", "good")
    assert (index.kind, index.vocabulary_size) == ("text", 8)
    assert load_dataset(path, vocabulary=tmp_path / "words.txt", vocabulary_size=6).words == ("the", "film")
    assert load_dataset(path).kind == "tokens"


def test_the_ids_of_a_tokenizer_bring_its_rules(tmp_path: Path) -> None:
    path = ids_file(tmp_path / "own.npz")
    config = {"word_index": {"<OOV>": 1, "the": 2, "film": 3, "a": 4}, "filters": "!", "lower": True, "split": " "}
    (tmp_path / "t.json").write_text(json.dumps({"class_name": "Tokenizer", "config": config | {"oov_token": "<OOV>"}}))
    dataset = load_dataset(path, vocabulary=tmp_path / "t.json")
    assert (dataset.words, dataset.vocabulary_size, dataset.first_word) == (("the", "film", "a"), 5, 2)
    assert (dataset.preprocessing.oov_id, dataset.preprocessing.start_id) == (1, None)
    assert dataset.x_train.max() < 5
    assert load_dataset(path).first_word == 3


def test_a_table_is_read_by_the_words_and_rules_of_a_model(tmp_path: Path) -> None:
    rules = Preprocessing("text", start_id=None, oov_id=1, index_offset=1, padding="post", truncating="post")
    path = write_table(tmp_path / "own.csv", [("the Film", "a"), ("film unseen the", "b")] * 5)
    dataset = load_dataset(path, max_length=4, words=("film", "the"), rules=rules)
    assert dataset.words == ("film", "the")
    assert {tuple(row) for row in dataset.x_train.tolist()} == {(3, 2, 0, 0), (2, 1, 3, 0)}


def test_a_table_of_texts(tmp_path: Path) -> None:
    dataset = load_dataset(write_table(tmp_path / "own.csv", TABLE), max_length=6)
    assert (dataset.labels, dataset.kind, dataset.name) == (("no", "yes"), "text", "own")
    assert (np.bincount(dataset.y_test).tolist(), np.bincount(dataset.y_train).tolist()) == ([2, 2], [6, 10])
    meant = {(" ".join(text.split_words(line)), label) for line, label in TABLE}
    for x, y in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)):
        for row, label in zip(x, y, strict=True):
            assert (decode(dataset, row).removeprefix("<start> "), dataset.labels[label]) in meant
    again = load_dataset(tmp_path / "own.csv", max_length=6)
    np.testing.assert_array_equal(again.x_test, dataset.x_test)


def test_test_words_do_not_enter_the_vocabulary(tmp_path: Path) -> None:
    rows = [(f"word{index} same", "ab"[index % 2]) for index in range(20)]
    dataset = load_dataset(write_table(tmp_path / "own.csv", rows), max_length=3)
    assert dataset.words[0] == "same"
    assert len(dataset.words) == 1 + 16
    np.testing.assert_array_equal(dataset.x_test, [[text.START_ID, text.OOV_ID, 4]] * 4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("columns.csv", "id,Label,TEXT\n" + "1,a,x\n2,a,x\n3,b,y\n4,b,y\n"),
        ("first_two.tsv", "review\tsentiment\n" + "x\ta\nx\ta\ny\tb\ny\tb\n"),
        ("no_header.csv", "x,a\nx,a\ny,b\ny,b\n"),
        ("mark.csv", "\ufefftext,label\n" + "x,a\nx,a\ny,b\ny,b\n"),
    ],
)
def test_columns_by_name_or_place(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    dataset = load_dataset(tmp_path / name, max_length=2)
    assert dataset.labels == ("a", "b")
    assert sorted(dataset.words) == ["x", "y"]
    assert len(dataset.x_train) == len(dataset.x_test) == 2


def test_numbered_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    rows = [("w", str(number)) for number in (10, 9, 2)] * 3
    assert load_dataset(write_table(tmp_path / "own.csv", rows)).labels == ("2", "9", "10")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("text,label\n", "has a header and no rows"),
        ("only\na\nb\n", "has the one column 'only'"),
        ("text,label\nfine,a\nalone\n", "line 3: 1 columns and no label"),
        ("text,label\nx,a\ny,a\n", "has the one label 'a'"),
        ("text,label\nx,a\ny,a\nz,b\n", "'b' occurs once"),
        ("text,label\n" + "".join(f"x,{n}\nx,{n}\n" for n in range(30)), "30 different numbers as labels"),
        ("text,label\n!,a\n?,a\n!,b\n?,b\n", "has no words"),
        (b"text,label\n\xff\xfe,a\n", "expected UTF-8 text"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        load_dataset(path)


FEATURES = np.ones((2, 3, 2), np.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "lacks y_test; it has x_test, x_train, y_train"),
        ({"x_train": np.array([[1], [2, 3]], object)}, "x_train holds Python objects"),
        ({"x_train": [[-1, 4], [1, 2]]}, "the id -1; ids start at 0"),
        ({"x_train": [[0.5], [1.0]]}, "expected integer ids"),
        ({"x_train": [1, 4, 5], "x_test": [1]}, "no offsets_train"),
        (
            {"x_train": [1, 4, 5], "x_test": [1], "offsets_train": [0, 2], "offsets_test": [0, 1]},
            "rise from 0 to 3, the count of ids",
        ),
        ({"y_train": [0]}, r"y_train has the shape \(1,\), expected \(2,\)"),
        ({"y_train": [0.5, 1.5]}, "not whole numbers"),
        ({"y_train": [0, 2]}, "number them from 0, without gaps"),
        ({"y_train": [1, 1]}, "training needs two classes"),
        ({"y_test": [7]}, "y_test has the class 7"),
        ({"x_test": np.zeros((0, 3), int), "y_test": np.zeros(0, int)}, "has no rows in x_test"),
        (
            {"x_train": np.where(FEATURES, np.nan, 0), "x_test": FEATURES[:1]},
            "row 0 of x_train has a value that is NaN",
        ),
        ({"x_train": FEATURES, "x_test": FEATURES[:1, :, :1]}, r"widths \[1, 2\]"),
        (
            {"x_train": FEATURES, "x_test": FEATURES[:1], "length_train": [4, 1]},
            "length_train must be a whole number from 0 to 3",
        ),
    ],
)
def test_an_npz_that_cannot_be_used(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(ids_file(tmp_path / "own.npz", **changes))


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("nothing", None, {}, "no data set or file .*; there are reviews, vowels, imdb"),
        ("own.npz", b"", {}, "cannot read .*own.npz"),
        ("own.npz", b"PK\x03\x04 cut off", {}, "cannot read .*own.npz"),
        ("own.npz", npy_bytes(), {}, "cannot read .*own.npz"),
        ("own.pdf", b"x", {}, "is no data set; expected a .npz, .csv or .tsv"),
        ("own.csv", b"x", {"max_length": 0}, "a sequence has at least 1 step"),
        ("own.csv", b"x", {"vocabulary_size": 4}, "give 5 or more"),
        ("own.csv", b"x", {"vocabulary": "w.txt"}, "a vocabulary belongs to ids in a .npz"),
    ],
)
def test_a_name_or_option_that_cannot_be_used(
    tmp_path: Path, name: str, content: bytes | None, options: dict[str, Any], message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_dataset(tmp_path / name, **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.json", "3", "expected a Tokenizer's to_json"),
        ("w.json", '{"the": 1, "a": 1}', "gives 'the' and 'a' the number 1"),
        ("w.json", '["", "[UNK]", "the"]', r"is a get_vocabulary\(\) list of ids, .* follow keras.datasets.imdb"),
        ("w.json", '{"<PAD>": 0, "the": 4}', "is a word_index of ids"),
        ("w.json", '{"the": 2}', "gives 'the' the rank 2"),
        ("w.json", "{", "is damaged: it is named or begins as JSON"),
        ("w.txt", "the\nthe\n", "the word 'the' 2 times"),
        ("w.txt", "", "has no words"),
    ],
)
def test_a_vocabulary_that_cannot_be_used(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load_dataset(ids_file(tmp_path / "own.npz"), vocabulary=tmp_path / name)


def test_imdb_without_a_connection_names_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise Exception("URL fetch failure on https://host/imdb.npz: None -- [Errno -2]")  # as Keras does

    monkeypatch.setattr(keras.datasets.imdb, "load_data", unreachable)
    with pytest.raises(InputError, match=r"could not be downloaded \(URL fetch failure.*reviews and vowels"):
        load_dataset("imdb")


def test_imdb_as_keras_gives_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.array([[1, 4, 2], [1, 5]], object)

    def load_data(num_words: int) -> Any:
        print(f"Downloading {num_words}")  # noqa: T201 - as Keras does
        return (rows, np.array([0, 1])), (rows, np.array([1, 0]))

    monkeypatch.setattr(keras.datasets.imdb, "load_data", load_data)
    monkeypatch.setattr(keras.datasets.imdb, "get_word_index", lambda: {"the": 1, "film": 2})
    dataset = load_dataset("imdb", max_length=4)
    np.testing.assert_array_equal(dataset.x_train, [[0, 1, 4, 2], [0, 0, 1, 5]])
    assert (dataset.words, dataset.labels) == (("the", "film"), ("negative", "positive"))
    assert capsys.readouterr().out == ""
