"""From a raw text to an answer: a bundle gives what its owner's layers and tokenizer give, or there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.text import Tokenizer

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.errors import InputError, ParityError
from deeprnn_edge.parity.verify import verify
from deeprnn_export import export
from deeprnn_export.parity import raw_texts
from tests.support.keras_models import randomised
from tests.support.workshop import assert_untouched, run

pytestmark = pytest.mark.slow  # each exports a model of strings

L = keras.layers
WORDS = ["the", "film", "don't", "dont", "café", "was", "great"]
TEXTS = ["The film was GREAT!", "Don't, the film.", "", "unheard-of words", "Café ÉTÉ 🎬 the\u00a0film", "was " * 30]


def model_of_strings(*, length: int | None = 6, mask: bool = True) -> keras.Model:
    given = keras.Input((), dtype="string", name="text")
    ids = L.TextVectorization(output_sequence_length=length, vocabulary=WORDS, name="words")(given)
    out = L.Dense(1, activation="sigmoid", name="p")(L.GRU(3)(L.Embedding(9, 3, mask_zero=mask)(ids)))
    return randomised(keras.Model(given, out, name="full"))


def model_of_ids(rows: int = 9, *, steps: int | None = 6, mask: bool = False) -> keras.Model:
    return randomised(
        keras.Sequential(
            [
                keras.Input((steps,), dtype="int32", name="ids"),
                L.Embedding(rows, 3, mask_zero=mask),
                L.GRU(3),
                L.Dense(1, activation="sigmoid", name="p"),
            ],
            name="ids",
        )
    )


def test_a_model_of_strings_answers_texts_as_keras(tmp_path: Path) -> None:
    model = model_of_strings()
    manifest = export(model, tmp_path / "b", labels=["no", "yes"])
    expected = np.asarray(model(tf.constant(TEXTS)))
    for artifact in manifest.artifacts:
        loaded = deeprnn_edge.load(tmp_path / "b", artifact=artifact.path)
        np.testing.assert_allclose(loaded.predict(TEXTS), expected, rtol=0, atol=1e-5)
    (case,) = [case for case in decode_golden(open_bundle(tmp_path / "b").read_golden()) if case.texts]
    assert "" in case.texts
    assert all(result.passed for result in verify(tmp_path / "b"))


@pytest.mark.parametrize("mask", [True, False])
def test_a_model_of_strings_of_any_length(tmp_path: Path, mask: bool) -> None:
    model = model_of_strings(length=None, mask=mask)
    export(model, tmp_path / "b", formats=["onnx"], stream=True)
    loaded = deeprnn_edge.load(tmp_path / "b")
    for text in filter(None, TEXTS):
        np.testing.assert_allclose(loaded.predict(text), np.asarray(model(tf.constant([text]))), rtol=0, atol=1e-5)
    if mask:  # beside another text, as Keras alone has no step for it
        (empty, _) = np.asarray(model(tf.constant(["", "the"])))
        np.testing.assert_allclose(loaded.predict("")[0], empty, rtol=0, atol=1e-5)
    else:
        with pytest.raises(InputError, match="item 0 has no steps"):
            loaded.predict("")


def test_fewer_words_of_a_model_of_strings(tmp_path: Path) -> None:
    model = model_of_strings()
    manifest = export(model, tmp_path / "b", formats=["onnx"], keep_words=3)
    assert open_bundle(tmp_path / "b").vocabulary() == WORDS[:3]
    assert manifest.kept_words == 3
    expected = np.asarray(model(tf.constant(["the film zzz"])))
    np.testing.assert_allclose(deeprnn_edge.load(tmp_path / "b").predict("the film was"), expected, atol=1e-5)
    assert all(result.passed for result in verify(tmp_path / "b"))


def test_verify_finds_a_rule_that_was_changed(tmp_path: Path) -> None:
    export(model_of_strings(), tmp_path / "b", formats=["onnx"])
    path = tmp_path / "b" / "manifest.json"
    raw = json.loads(path.read_text())
    raw["preprocessing"]["steps"][0]["letters"] = "unicode"
    path.write_text(json.dumps(raw))
    (result,) = verify(tmp_path / "b")
    assert [failure.problem for failure in result.failures] == ["1 of 18 texts become other ids"]


def owner(**options: Any) -> Tokenizer:
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(["the film was great", "the film", "don't", "café"])
    return tokenizer


@pytest.mark.parametrize(("padding", "truncating"), [("post", "post"), ("pre", "post"), ("post", "pre")])
def test_an_owners_tokenizer_on_the_command_line(tmp_path: Path, padding: str, truncating: str) -> None:
    model, tokenizer = model_of_ids(), owner(oov_token="<OOV>")
    model.save(tmp_path / "m.keras")
    (tmp_path / "t.json").write_text(json.dumps(tokenizer.to_json()))
    sides = ["--padding", padding, "--truncating", truncating]
    export_words = ["export", tmp_path / "m.keras", "-o", tmp_path / "b", "--format", "onnx"]
    result = run(*export_words, "--tokenizer", tmp_path / "t.json", *sides)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / 't.json'} is a Keras Tokenizer" in result.output
    ids = keras.utils.pad_sequences(tokenizer.texts_to_sequences(TEXTS), 6, padding=padding, truncating=truncating)
    answers = deeprnn_edge.load(tmp_path / "b").predict(TEXTS)
    np.testing.assert_allclose(answers, np.asarray(model(tf.constant(ids))), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "a Tokenizer does not say how its texts were made 6 steps long: give padding="),
        ({"padding": "post"}, "does not say from which end longer texts are cut to 6 steps: give truncating="),
        ({"padding": "none"}, "padding='none', but the model was built for 6 steps"),
        ({"padding": "post", "truncating": "post", "oov_id": 30}, "the oov_id 30, but the model's table has 9 rows"),
    ],
)
def test_padding_that_cannot_be_told(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        export(model_of_ids(), tmp_path / "b", tokenizer=owner(), **given)
    assert_untouched(tmp_path)


def test_padding_of_any_length(tmp_path: Path) -> None:
    model = model_of_ids(steps=None)
    with pytest.raises(InputError, match=r"of one length: .*; for texts of their own length, padding='none'"):
        export(model, tmp_path / "b", tokenizer=owner())
    with pytest.raises(InputError, match="padding= and truncating= need a length"):
        export(model, tmp_path / "b", tokenizer=owner(), padding="post", truncating="post")
    sides: Any = {"padding": "post", "truncating": "post", "max_length": 5}
    assert export(model, tmp_path / "b", formats=["onnx"], tokenizer=owner(), **sides).preprocessing.max_length == 5
    manifest = export(model, tmp_path / "c", formats=["onnx"], tokenizer=owner(), padding="none")
    assert manifest.preprocessing.max_length is None
    masked = model_of_ids(steps=None, mask=True)
    assert export(masked, tmp_path / "d", formats=["onnx"], tokenizer=owner()).preprocessing.max_length is None


def test_words_without_rules_are_an_error_and_with_them_right(tmp_path: Path) -> None:
    model = model_of_ids()
    with pytest.raises(InputError, match="a word list, which does not say how a text becomes these words"):
        export(model, tmp_path / "b", vocabulary=WORDS)
    assert_untouched(tmp_path)
    export(model, tmp_path / "b", formats=["onnx"], vocabulary=WORDS, rules="textvectorization")
    layer = L.TextVectorization(output_sequence_length=6, vocabulary=WORDS)
    expected = np.asarray(model(layer(tf.constant(TEXTS))))
    np.testing.assert_allclose(deeprnn_edge.load(tmp_path / "b").predict(TEXTS), expected, rtol=0, atol=1e-5)


def test_words_that_have_no_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gives ids up to 6, but the model's table has 4 rows"):
        export(model_of_ids(4), tmp_path / "b", tokenizer=owner(), padding="post", truncating="post")
    export(model_of_ids(4), tmp_path / "b", formats=["onnx"], vocabulary=WORDS, rules="textvectorization")
    assert open_bundle(tmp_path / "b").vocabulary() == WORDS[:2]  # as num_words cuts a word_index


def test_words_that_no_line_holds_come_back(tmp_path: Path) -> None:
    characters = ["a", " ", "\u2028", "\x85", "\n", "b"]
    given = keras.Input((), dtype="string", name="text")
    ids = L.TextVectorization(split="character", output_sequence_length=6, vocabulary=characters, name="words")(given)
    model = randomised(keras.Model(given, L.GRU(2)(L.Embedding(8, 2)(ids)), name="full"))
    manifest = export(model, tmp_path / "b", formats=["onnx"])
    assert manifest.preprocessing.vocabulary == "vocabulary.json"
    assert open_bundle(tmp_path / "b").vocabulary() == characters
    texts = ["a\u2028b", "\x85 a\n", "B\n\n"]
    expected = np.asarray(model(tf.constant(texts)))
    np.testing.assert_allclose(deeprnn_edge.load(tmp_path / "b").predict(texts), expected, rtol=0, atol=1e-5)


def test_raw_samples_from_a_file(tmp_path: Path) -> None:
    model_of_strings().save(tmp_path / "m.keras")
    (tmp_path / "raw.txt").write_text("the film\n\nÉTÉ!\n", encoding="utf-8")
    words = ["export", tmp_path / "m.keras", "-o", tmp_path / "b", "--format", "onnx", "--force", "--sample-raw"]
    assert run(*words, tmp_path / "raw.txt").exit_code == 0
    (case,) = [case for case in decode_golden(open_bundle(tmp_path / "b").read_golden()) if case.texts]
    assert case.texts == ("the film", "", "ÉTÉ!")
    for name, content, said in (("none.txt", None, "cannot read the raw samples"), ("e.txt", "", "hold no text")):
        if content is not None:
            (tmp_path / name).write_text(content)
        result = run(*words, tmp_path / name)
        assert (result.exit_code, said in result.output) == (2, True), result.output


def test_raw_samples_of_a_model_without_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sample_raw= holds raw samples, and the bundle has no steps"):
        export(model_of_ids(), tmp_path / "b", sample_raw=["the film"])


def test_rules_that_keras_does_otherwise_are_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = raw_texts.RawReference("another layer", lambda texts: [[1] * 6 for _ in texts])
    monkeypatch.setattr("deeprnn_export.pipeline.export.find_reference", lambda *_: other)
    with pytest.raises(ParityError, match="18 of 18 raw texts become other ids than those of another layer") as caught:
        export(model_of_strings(), tmp_path / "b", formats=["onnx"])
    assert "the device" in caught.value.table
    assert_untouched(tmp_path)


def test_rules_beside_a_model_that_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the model takes strings and has the rules for them itself"):
        export(model_of_strings(), tmp_path / "b", vocabulary=WORDS)
    with pytest.raises(InputError, match="rules and ids for text need its words"):
        export(model_of_ids(), tmp_path / "b", rules="imdb")


def test_a_window_is_neither_filled_nor_cut_unless_asked(tmp_path: Path) -> None:
    window = randomised(keras.Sequential([keras.Input((4, 2), name="x"), L.GRU(3), L.Dense(2)], name="window"))
    export(window, tmp_path / "b", formats=["onnx"])
    loaded = deeprnn_edge.load(tmp_path / "b")
    rows = np.ones((1, 4, 2), np.float32)
    np.testing.assert_allclose(loaded.predict(rows), np.asarray(window(rows)), rtol=0, atol=1e-5)
    for steps, side in ((3, "padding"), (5, "truncating")):
        with pytest.raises(InputError, match=f"item 0 has {steps} steps, and the model takes 4; .*--{side}"):
            loaded.predict(np.ones((steps, 2), np.float32))
    export(window, tmp_path / "c", formats=["onnx"], padding="post", truncating="pre")
    loaded = deeprnn_edge.load(tmp_path / "c")
    short = np.concatenate([np.ones((1, 3, 2)), np.zeros((1, 1, 2))], axis=1).astype(np.float32)
    np.testing.assert_allclose(loaded.predict(short[0, :3]), np.asarray(window(short)), rtol=0, atol=1e-5)
    assert loaded.predict(np.ones((9, 2), np.float32)).shape == (1, 2)


def test_labels_are_as_many_as_classes(tmp_path: Path) -> None:
    six = randomised(keras.Sequential([keras.Input((4, 2), name="x"), L.GRU(3), L.Dense(6, activation="softmax")]))
    six.save(tmp_path / "six.keras")
    result = run("export", tmp_path / "six.keras", "-o", tmp_path / "b", "--format", "onnx", "--labels", "walk,run")
    assert result.exit_code == 2
    assert "2 labels (walk, run), but the output" in result.output
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\nf, g\n")
    labels = ["--labels", tmp_path / "labels.txt"]
    assert run("export", tmp_path / "six.keras", "-o", tmp_path / "b", "--format", "onnx", *labels).exit_code == 0
    assert open_bundle(tmp_path / "b").manifest.labels[-1] == "f, g"


def test_texts_among_the_golden_vectors_come_back(tmp_path: Path) -> None:
    export(model_of_strings(), tmp_path / "b", formats=["onnx"])
    cases = decode_golden(open_bundle(tmp_path / "b").read_golden())
    assert [case.texts for case in decode_golden(encode_golden(cases))] == [case.texts for case in cases]
