"""A raw sample comes out of a bundle as the name or the quantity that Keras's own tools make of the model's answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.names import name_rows
from deeprnn_edge.parity.verify import verify
from deeprnn_export import export

TIGHT = 1e-6  # what issue 15 asks of raw samples; the networks are small, so their float32 rounds below that
WORDS = "the a film plot love hate good bad".split()


def network(head: list[Any], *, every_step: bool = False, masked: bool = False) -> keras.Model:
    keras.utils.set_random_seed(5)
    front = (
        [keras.Input((12,), dtype="int32", name="ids"), keras.layers.Embedding(12, 4, mask_zero=True)]
        if masked
        else [keras.Input((None, 3), name="x")]
    )
    model = keras.Sequential([*front, keras.layers.GRU(5, return_sequences=every_step), *head])
    for weight in model.weights:
        weight.assign(np.random.default_rng(weight.shape[-1]).normal(0, 1, weight.shape))
    return model


@pytest.fixture(scope="module")
def items() -> list[Any]:
    random = np.random.default_rng(2)
    return [random.normal(0, 1, (7, 3)).astype(np.float32) for _ in range(20)]


def test_several_labels_of_one_item(tmp_path: Path, items: list[Any]) -> None:
    model = network([keras.layers.Dense(4, activation="sigmoid")])
    names = ["wind", "rain", "snow", "sun"]
    options: Any = {"labels": names, "decode": "labels", "threshold": 0.6, "formats": ["onnx"]}
    export(model, tmp_path / "b", **options)
    expected = model.predict(np.stack(items), verbose=0)
    for row, answer in zip(deeprnn_edge.load(tmp_path / "b").classify(items), expected, strict=True):
        assert {name for name, _ in row} == {name for name, value in zip(names, answer, strict=True) if value > 0.6}
        assert [value for _, value in row] == pytest.approx(sorted(answer[answer > 0.6], reverse=True), abs=TIGHT)
    assert all(result.passed for result in verify(tmp_path / "b"))
    assert "above 0.6" in (tmp_path / "b" / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("side", ["pre", "post"])
def test_a_tagger_names_the_words_and_no_padding(tmp_path: Path, side: Any) -> None:
    model = network([keras.layers.Dense(3, activation="softmax")], every_step=True, masked=True)
    options: Any = {"vocabulary": WORDS, "rules": "imdb", "start_id": "none", "padding": side, "truncating": side}
    export(model, tmp_path / "b", labels="noun,verb,other", formats=["onnx"], **options)
    loaded = deeprnn_edge.load(tmp_path / "b")
    texts = ["love the film", "", "bad plot hate a good film the plot the plot a film love it", "zzz"]
    for text, named in zip(texts, loaded.classify(texts), strict=True):
        ids = [WORDS.index(word) + 4 if word in WORDS else 2 for word in text.split()]
        batch = keras.utils.pad_sequences([ids], 12, padding=side, truncating=side)
        (values,) = np.asarray(model(batch))
        mask = batch[0] != 0
        assert [name for name, _ in named] == [("noun", "verb", "other")[index] for index in values[mask].argmax(-1)]
        assert [number for _, number in named] == pytest.approx(values[mask].max(-1), abs=TIGHT)
    # What comes as ids may have its padding with it.
    padded = keras.utils.pad_sequences([[4, 5, 6]], 12, padding=side)
    assert [name for name, _ in loaded.classify(padded)[0]] == [name for name, _ in loaded.classify([[4, 5, 6]])[0]]
    done = CliRunner().invoke(main, ["predict", str(tmp_path / "b"), "love the film"])
    assert ", ".join(name for name, _ in loaded.classify("love the film")[0]) in done.stdout


@pytest.mark.parametrize("blank", [0, 2, 3])
def test_ctc_is_read_as_keras_reads_it(blank: int) -> None:
    random = np.random.default_rng(blank)
    # Of few different numbers, so that classes tie as well.
    logits = random.integers(0, 4, (100, 40, 4)).astype(np.float32)
    lengths = random.integers(1, 41, 100).astype(np.int32)
    best, _ = keras.ops.ctc_decode(logits, lengths, strategy="greedy", mask_index=blank)
    told: Any = SimpleNamespace(labels="0123", answer=Answer("ctc", blank=blank))
    named = name_rows(logits, told, kept=np.arange(40) < lengths[:, np.newaxis])
    expected = [[str(index) for index in row if index >= 0] for row in np.asarray(best)[0]]
    assert [[name for name, _ in row] for row in named] == expected


def test_ctc_spells_what_keras_reads(tmp_path: Path) -> None:
    model = network([keras.layers.Dense(4)], every_step=True)
    letters = ["a", "b", "c"]
    export(model, tmp_path / "b", labels=letters, decode="ctc", formats=["onnx"], max_length=30)
    loaded = deeprnn_edge.load(tmp_path / "b")
    names = ["<blank>", *letters]
    assert list(loaded.manifest.labels) == names
    random = np.random.default_rng(4)
    lengths = [30, 1, 17, 30, 8]
    items = [random.normal(0, 2, (length, 3)).astype(np.float32) for length in lengths]
    decoded, spelled = [], loaded.classify(items)
    for item in items:
        logits = model(item[np.newaxis], training=False)
        (best, _) = keras.ops.ctc_decode(logits, [len(item)], strategy="greedy")
        decoded.append([names[index] for index in np.asarray(best)[0, 0] if index >= 0])
    assert [[name for name, _ in row] for row in spelled] == decoded
    assert max(map(len, decoded)) > 2


def test_a_regression_answers_in_the_units_of_its_target(tmp_path: Path, items: list[Any]) -> None:
    model = network([keras.layers.Dense(2)])
    (tmp_path / "target.json").write_text('{"data_min_": [0, -5], "data_max_": [2, 5], "feature_range": [-1, 1]}')
    export(model, tmp_path / "b", target_scaler=tmp_path / "target.json", labels="load,drift", formats=["onnx"])
    loaded = deeprnn_edge.load(tmp_path / "b")
    # As MinMaxScaler.inverse_transform does it, from its scale_ and min_.
    scale = 2 / np.array([2.0, 10.0])
    expected = (model.predict(np.stack(items), verbose=0) - (-1 - np.array([0.0, -5.0]) * scale)) / scale
    np.testing.assert_allclose(loaded.predict(items), expected, rtol=0, atol=10 * TIGHT)  # a scale of 5 and values of 9
    assert loaded.classify(items[0])[0][1] == ("drift", loaded.predict(items[0])[0, 1])  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--decode", "ctc"], "decode='ctc'"),
        (["--threshold", "0.7"], "give --decode labels"),
        (["--decode", "labels", "--labels", "a,b"], "2 labels (a, b), but the output"),
        (["--blank", "2"], "--blank 2 is a class of CTC: give --decode ctc as well"),
        (["--target-scaler", "gone.json"], "cannot read the target's scaler gone.json"),
    ],
)
def test_what_the_output_cannot_be(tmp_path: Path, words: list[str], said: str) -> None:
    network([keras.layers.Dense(3)]).save(tmp_path / "m.keras")
    done = CliRunner().invoke(main, ["export", str(tmp_path / "m.keras"), "-o", str(tmp_path / "b"), *words])
    assert (done.exit_code, said.replace("decode='ctc'", "--decode ctc") in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "b").exists()


def test_what_cannot_be_said_in_python(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="decode='beam': expected class, labels, steps, ctc"):
        export(network([keras.layers.Dense(3)]), tmp_path / "b", decode="beam")  # type: ignore[arg-type]
