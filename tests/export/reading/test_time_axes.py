"""Two sequences have two lengths, unless the model itself ties them; an output follows the input of its length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import deeprnn_edge
from deeprnn_edge.errors import InputError
from deeprnn_export import export
from deeprnn_export.reading.signature import read_signature
from tests.support.keras_models import randomised


def vectors(name: str, steps: int | None = None) -> keras.KerasTensor:
    return keras.Input((steps, 3), name=name)


def encoder_decoder() -> keras.Model:
    source, target = vectors("source"), vectors("target")
    _, state = layers.GRU(4, return_state=True)(source)
    steps = layers.GRU(4, return_sequences=True)(target, initial_state=state)
    return keras.Model([source, target], layers.Dense(2, name="words")(steps))


def attending() -> keras.Model:
    source, target = vectors("source"), vectors("target")
    memory = layers.LSTM(4, return_sequences=True)(source)
    steps = layers.LSTM(4, return_sequences=True)(target)
    return keras.Model([source, target], layers.Attention(name="context")([steps, memory]))


def siamese() -> keras.Model:
    one, other, shared = vectors("one"), vectors("other"), layers.SimpleRNN(4)
    return keras.Model([one, other], layers.Dot(1, name="likeness")([shared(one), shared(other)]))


def added() -> keras.Model:
    one, other = vectors("one"), vectors("other")
    return keras.Model([one, other], layers.GRU(4, return_sequences=True, name="steps")(layers.Add()([one, other])))


def two_tied_of_three() -> keras.Model:
    one, other, third = vectors("one"), vectors("other"), vectors("third")
    left = layers.GRU(4, name="left")(layers.Concatenate()([one, third]))
    return keras.Model([one, other, third], [left, layers.GRU(2, return_sequences=True, name="right")(other)])


def beside_a_fixed_one() -> keras.Model:
    one, other = vectors("one"), vectors("other", steps=6)
    return keras.Model([one, other], layers.Concatenate(name="both")([layers.GRU(2)(one), layers.GRU(2)(other)]))


Axes = dict[str, str | int]
CASES: dict[Callable[[], keras.Model], tuple[Axes, Axes]] = {
    encoder_decoder: ({"source": "time", "target": "time_2"}, {"words": "time_2"}),
    attending: ({"source": "time", "target": "time_2"}, {"context": "time_2"}),
    siamese: ({"one": "time", "other": "time_2"}, {}),
    added: ({"one": "time", "other": "time"}, {"steps": "time"}),
    two_tied_of_three: ({"one": "time", "other": "time_2", "third": "time"}, {"right": "time_2"}),
    beside_a_fixed_one: ({"one": "time", "other": 6}, {}),
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_axes_are_tied_as_the_model_ties_them(make: Callable[[], keras.Model]) -> None:
    signature = read_signature(make())
    assert {spec.name: spec.shape[1] for spec in signature.inputs} == CASES[make][0]
    assert {spec.name: spec.shape[1] for spec in signature.outputs if len(spec.shape) > 2} == CASES[make][1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # Keras's, where the grid has one step
@pytest.mark.parametrize("make", [encoder_decoder, attending, siamese], ids=lambda make: make.__name__)
def test_a_file_answers_for_two_lengths(make: Callable[[], keras.Model], tmp_path: Path) -> None:
    model = randomised(make())
    manifest = export(model, tmp_path / "b", formats=["onnx"])
    assert manifest.artifacts[0].parity.cases > 10
    runs = deeprnn_edge.load(tmp_path / "b")
    random = np.random.default_rng(0)
    for lengths in ((5, 7), (7, 5), (5, 5), (9, 3), (2, 12), (5, 7)):
        arrays = [random.normal(size=(2, steps, 3)).astype(np.float32) for steps in lengths]
        (answer,) = runs.run(arrays).values()
        np.testing.assert_allclose(answer, np.asarray(model(arrays)), rtol=0, atol=1e-5)
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "b"))


def test_a_call_that_breaks_a_tie_is_one_line(tmp_path: Path) -> None:
    export(randomised(added()), tmp_path / "b", formats=["onnx"])
    runs = deeprnn_edge.load(tmp_path / "b")
    with pytest.raises(InputError, match=r"^input 'other' has 7 steps and 'one' 5; they have to be as many$"):
        runs.run([np.zeros((1, 5, 3), np.float32), np.zeros((1, 7, 3), np.float32)])
    with pytest.raises(InputError, match=r"^input 'other' has 1 rows and 'one' 2; they have to be as many$"):
        runs.run([np.zeros((2, 5, 3), np.float32), np.zeros((1, 5, 3), np.float32)])


def test_a_list_of_one_input_is_taken(tmp_path: Path) -> None:
    model = randomised(keras.Sequential([vectors("x"), layers.GRU(2, name="y")]))
    sample = np.ones((2, 4, 3), np.float32)
    manifest = export(model, tmp_path / "b", formats=["onnx"], sample=[sample])
    assert manifest.artifacts[0].parity.cases > 1
    (name,) = (spec.name for spec in manifest.outputs)
    runs = deeprnn_edge.load(tmp_path / "b")
    for given in ([sample], (sample,), sample, sample.tolist(), [sample.tolist()], {"x": sample}):
        np.testing.assert_array_equal(runs.run(given)[name], runs.run(sample)[name])
    one_row = sample[:1]
    np.testing.assert_array_equal(runs.run([one_row])[name], runs.run(one_row)[name])
    np.testing.assert_array_equal(runs.run(list(one_row))[name], runs.run(one_row)[name])
