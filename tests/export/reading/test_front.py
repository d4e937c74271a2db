"""A model is split at the layer in front of it that no runtime has, or refused by that layer."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from deeprnn_edge.bundle.feature_steps import shape_of_result
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_edge.inputs.features import FeatureEncoder
from deeprnn_edge.inputs.items import to_batch
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_export.parity.raw_texts import make_raw_texts
from deeprnn_export.reading.front import split_front
from deeprnn_export.reading.signature import read_signature

L = keras.layers
WORDS = ["the", "film", "don't", "dont", "café", "CAFÉ", "кино", "映画", "the\u00a0film", "film<br", "[x]"]
CHARACTERS = [*"thefilm é'", "\n", "\u2028", "\x85", "映"]
TEXTS = [*make_raw_texts(WORDS, 12), "The\u00a0film \x1f the\x85film", "[UNK] [x] x", "a" * 30]


def vectorization(**options: Any) -> keras.layers.TextVectorization:
    return L.TextVectorization(**{"output_sequence_length": 5, "vocabulary": WORDS} | options)


def network(ids: Any, rows: int) -> Any:
    return L.Embedding(rows, 2, name="p")(ids)  # as much as there is to split from: building more takes a while


def functional(layer: Any, shape: tuple[int, ...] = (), rows: int = 20) -> keras.Model:
    given = keras.Input(shape, dtype="string", name="text")
    return keras.Model(given, network(layer(given), rows), name="full")


STANDARDIZE = [None, "lower", "strip_punctuation", "lower_and_strip_punctuation"]


@pytest.mark.parametrize(
    ("standardize", "split", "length", "special"),
    [
        *product(STANDARDIZE, ["whitespace", "character"], [12, None, 3], [False]),
        *product(STANDARDIZE, ["whitespace", "character"], [12], [True]),
    ],
)
def test_the_steps_give_the_layers_ids(standardize: str | None, split: str, length: int | None, special: bool) -> None:
    words = WORDS if split == "whitespace" else CHARACTERS
    layer = vectorization(
        standardize=standardize,
        split=split,
        output_sequence_length=length,
        vocabulary=["", "[UNK]", *words] if special else words,
    )
    front = split_front(functional(layer))
    assert front is not None
    assert front.text is not None
    encoder, rules = TextEncoder(front.text.preprocessing, front.text.words), front.text.preprocessing
    rows = [encoder.encode(text) for text in TEXTS]
    ids = to_batch(rows, rules, length or max(map(len, rows)))
    np.testing.assert_array_equal(ids, front.ids(TEXTS))


def test_a_layer_that_does_not_split() -> None:
    front = split_front(functional(vectorization(split=None, vocabulary=["the film"]), (1,)))
    assert front is not None
    assert front.text is not None
    encode = TextEncoder(front.text.preprocessing, front.text.words).encode
    assert [encode(text) for text in ("The film!", "film", "?!")] == [[2], [1], []]
    assert front.ids(["The film!", "film", "?!"])[:, 0].tolist() == [2, 1, 0]


def test_an_adapted_layer() -> None:
    layer = L.TextVectorization(max_tokens=6, output_sequence_length=4)
    layer.adapt(["the film the film", "a film"])
    front = split_front(functional(layer))
    assert front is not None
    assert front.text is not None
    assert front.text.words == ("film", "the", "a")


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("kind", ["functional", "nested", "sequential", "dict"])
def test_the_halves_answer_as_the_whole(shape: tuple[int, ...], kind: str) -> None:
    layer, given = vectorization(), keras.Input(shape, dtype="string", name="text")
    behind = [L.Embedding(20, 2, mask_zero=True), L.Dense(1)]
    if kind == "sequential":
        model = keras.Sequential([given, layer, *behind], name="full")
    elif kind == "nested":
        model = keras.Model(given, keras.Sequential(behind)(layer(given)), name="full")
    else:
        out = network(layer(given), 20)
        model = keras.Model(given, {"p": out} if kind == "dict" else out, name="full")
    front = split_front(model)
    assert front is not None
    assert front.text is not None
    assert front.core.name == "full"
    assert [(one.dtype, one.shape[1:]) for one in front.core.inputs] == [("int32", (5,))]
    (whole,) = front.answers({front.splits[0].name: ["the film", "café"]})
    half = front.core(tf.constant(front.ids(["the film", "café"])))
    np.testing.assert_array_equal(whole, keras.tree.flatten(half)[0])
    assert isinstance(half, dict) == (kind == "dict")


def test_a_saved_model(tmp_path: Path) -> None:
    functional(vectorization()).save(tmp_path / "m.keras")
    front = split_front(keras.models.load_model(tmp_path / "m.keras"))
    assert front is not None
    assert front.text is not None
    assert front.text.words == tuple(WORDS)


def test_a_model_of_ids_has_no_front() -> None:
    ids = keras.Input((5,), dtype="int32")
    assert split_front(keras.Model(ids, network(ids, 20))) is None


class OwnVectorization(keras.layers.TextVectorization):
    pass


def two_readers() -> keras.Model:
    given = keras.Input((), dtype="string", name="text")
    return keras.Model(given, network(vectorization(name="a")(given) + vectorization(name="b")(given), 40))


def two_inputs() -> keras.Model:
    given, other = keras.Input((), dtype="string", name="text"), keras.Input((3,), name="x")
    return keras.Model([given, other], [network(vectorization()(given), 20), L.Dense(1)(other)])


def nested() -> keras.Model:
    given = keras.Input((5,), dtype="int64", name="codes")
    inner = keras.Sequential([keras.Input((5,), dtype="int64"), L.IntegerLookup(vocabulary=[3], name="in")], name="pre")
    return keras.Model(given, network(inner(given), 20))


def both() -> keras.Model:
    given = keras.Input((5,), dtype="int64", name="codes")
    looked_up = L.IntegerLookup(vocabulary=[3], name="look")(given)
    return keras.Model(given, [network(looked_up, 20), L.Dense(1)(given)])


def hashing(dtype: str) -> keras.Model:
    given = keras.Input((5,), dtype=dtype, name="codes")
    return keras.Model(given, network(L.Hashing(8, name="hash")(given), 20))


def of(layer: Any, shape: tuple[int, ...] = (5,), dtype: str = "int64") -> keras.Model:
    given = keras.Input(shape, dtype=dtype, name="codes")
    return keras.Model(given, L.Lambda(lambda made: made)(layer(given)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nested, r"'pre/in' \(IntegerLookup\) looks values up in a table, .* where it alone reads an input"),
        (both, r"'look' \(IntegerLookup\) looks values up in a table"),
        (lambda: hashing("string"), r"'hash' \(Hashing\) computes TensorFlow's fingerprint"),
        (lambda: hashing("int64"), r"'hash' \(Hashing\) computes TensorFlow's fingerprint"),
        (lambda: of(L.IntegerLookup(vocabulary=[3], num_oov_indices=2, name="a")), "'a' .*num_oov_indices=2"),
        (lambda: of(L.IntegerLookup(vocabulary=[3], invert=True, name="a")), "'a' .*invert=True"),
        (lambda: of(L.IntegerLookup(name="a")), "'a' .*has no vocabulary"),
        (lambda: of(L.IntegerLookup(vocabulary=[3], mask_token=0, output_mode="one_hot")), "mask_token=0 beside"),
        (
            lambda: of(L.IntegerLookup(vocabulary=[3], output_mode="count", name="a"), (5, 2)),
            "output_mode='count' over rows of 2 axes",
        ),
        (
            lambda: of(L.StringLookup(vocabulary=["a"], output_mode="tf_idf", idf_weights=[1]), (5,), "string"),
            "output_mode='tf_idf'",
        ),
        (lambda: functional(OwnVectorization(output_sequence_length=5, vocabulary=WORDS)), "OwnVectorization"),
        (two_readers, r"goes to 2 layers \('a', 'b'\)"),
        (two_inputs, "takes strings beside 1 other inputs"),
        (lambda: functional(vectorization(ngrams=2, name="tv")), "'tv' .*has ngrams=2"),
        (lambda: functional(vectorization(standardize=lambda text: text)), "a function of its own as standardize"),
        (lambda: functional(L.TextVectorization(output_sequence_length=5, name="tv")), "'tv' .*has no words"),
    ],
)  # fmt: skip
def test_refused_by_name(make: Any, said: str) -> None:
    with pytest.raises(UnsupportedModelError, match=said):
        split_front(make())


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.table = vectorization(), L.Embedding(20, 2)

    def call(self, given: Any) -> Any:
        return self.table(self.words(given))


def test_a_model_with_code_of_its_own() -> None:
    model = Own()
    model(tf.constant(["the film"]))
    with pytest.raises(UnsupportedModelError, match=r"code of its own|no known inputs|looks values up"):
        split_front(model)


NUMBERS = np.array([[10, 20, 99, 0, -1], [30, 10, 30, 7, 20]])
LETTERS = np.array([list("abz[é"), ["a", "", "[UNK]", "Á", "b"]], object)
MEASURED = np.array([[0.1, -5.0, 0.5, 0.3, 0.0], [0.09999999, 0.10000001, 9e9, -0.0, 0.2]], np.float32)
ONE = np.s_[:, :1]


@pytest.mark.parametrize(
    ("layer", "values", "dtype"),
    [
        *(
            (L.IntegerLookup(vocabulary=[10, 20, 30], **options), NUMBERS, "int64")
            for options in (
                {},
                {"mask_token": 0},
                {"oov_token": 7},
                {"output_mode": "one_hot"},
                {"output_mode": "multi_hot"},
                {"output_mode": "count"},
                {"output_mode": "one_hot", "max_tokens": 9, "pad_to_max_tokens": True},
            )
        ),
        (L.IntegerLookup(vocabulary=[10, 20, 30], output_mode="one_hot"), NUMBERS[ONE], "int64"),
        (L.IntegerLookup(vocabulary=[10, 20, 30, 99, 0, -1, 7], num_oov_indices=0), NUMBERS, "int64"),
        *(
            (L.StringLookup(vocabulary=["a", "b", "é"], **options), LETTERS, "string")
            for options in ({}, {"mask_token": ""}, {"output_mode": "one_hot"}, {"output_mode": "multi_hot"})
        ),
        *(
            (L.Discretization(bin_boundaries=[0.0, 0.1, 0.5], **options), MEASURED, "float32")
            for options in ({}, {"output_mode": "one_hot"}, {"output_mode": "count"})
        ),
        (L.Discretization(bin_boundaries=[0.5, 20.0]), NUMBERS, "int32"),
    ],
)
def test_the_steps_of_numbers_and_categories_give_what_the_layer_gives(layer: Any, values: Any, dtype: str) -> None:
    front = split_front(of(layer, values.shape[1:], dtype))
    assert front is not None
    (raw,) = front.raw
    (spec,) = read_signature(front.core).inputs
    assert shape_of_result(raw) == spec.shape[1:]
    made = FeatureEncoder(raw, spec, Preprocessing("tokens")).rows(values)
    np.testing.assert_array_equal(made, front.splits[0].made(values))
    np.testing.assert_array_equal(front.answers({raw.input: values})[0], made)


def test_an_adapted_discretization_in_front_of_one_of_two_inputs() -> None:
    layer = L.Discretization(num_bins=3)
    layer.adapt(np.linspace(0, 1, 30, dtype=np.float32))
    given, other = keras.Input((5,), name="x"), keras.Input((5, 2), name="y")
    model = keras.Model({"y": other, "x": given}, L.Concatenate()([network(layer(given), 3), other]))
    front = split_front(model)
    assert front is not None
    x, y = np.random.default_rng(0).random((2, 5)).astype(np.float32), np.ones((2, 5, 2), np.float32)
    whole = front.answers({"x": x, "y": y})[0]
    np.testing.assert_array_equal(front.core({"x": front.splits[0].made(x), "y": y}), whole)
    np.testing.assert_array_equal(whole, model({"x": x, "y": y}))


@pytest.mark.parametrize("layer", [L.Normalization(mean=1.0, variance=4.0), L.CategoryEncoding(40, "one_hot")])
def test_what_a_file_computes_exactly_stays_in_it(layer: Any) -> None:
    assert split_front(of(layer, dtype="int32")) is None
