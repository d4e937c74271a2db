"""The float64 answers are the network's own, and the gate allows a file the rounding that Keras has itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

import deeprnn_edge
from deeprnn_edge.parity.difference import Difference, compare
from deeprnn_export import export
from deeprnn_export.parity.gate import ParityReport
from deeprnn_export.parity.grid import make_grid
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.parity.tolerance import Tolerance
from deeprnn_export.parity.truth import with_truth
from deeprnn_export.reading.signature import read_signature
from tests.support.keras_models import CELLS, randomised


def words(cell: str) -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(30, 6, mask_zero=True)(ids)
    x = layers.Bidirectional(CELLS[cell](5, return_sequences=True))(x)
    return keras.Model(ids, layers.Dense(2, activation="softmax")(CELLS[cell](4)(x)))


def steps(cell: str) -> keras.Model:
    x = features = keras.Input((None, 3), name="x")
    for _ in range(3):
        x = CELLS[cell](7, return_sequences=True)(x)
    x = layers.LayerNormalization()(layers.Attention()([x, x]))
    return keras.Model(features, layers.TimeDistributed(layers.Dense(2))(layers.Conv1D(4, 3, padding="causal")(x)))


@pytest.fixture
def float64() -> Iterator[None]:
    policy, floats = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floats)
    keras.config.set_dtype_policy(policy)


def truths(model: keras.Model) -> list[tuple[Mapping[str, NDArray[Any]], ...]]:
    """Inputs, Keras's float32 answers and the float64 ones, of each case of a grid."""
    signature = read_signature(model)
    cases = keras_answers(model, signature, make_grid(signature, length=9))
    return [(case.inputs, case.outputs, case.truth) for case in with_truth(cases, model, signature)]


@pytest.mark.one_in(6)
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # Keras's, where the grid has one step
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("build", [words, steps], ids=lambda build: build.__name__)
def test_they_are_those_of_keras_with_float64_weights(
    build: Callable[[str], keras.Model], cell: str, request: pytest.FixtureRequest
) -> None:
    model = randomised(build(cell), scale=0.5)
    found = truths(model)
    request.getfixturevalue("float64")
    twin = build(cell)
    twin.set_weights(model.get_weights())
    (name,) = found[0][1]
    for inputs, outputs, truth in found:
        (given,) = inputs.values()
        expected = np.asarray(twin(given.astype(np.float64) if given.dtype == np.float32 else given))
        assert truth[name].dtype == expected.dtype == np.float64
        # Constants, such as the epsilon of LayerNormalization, were float32 when the graph was traced.
        np.testing.assert_allclose(truth[name], expected, rtol=0, atol=1e-8)
        np.testing.assert_allclose(outputs[name], truth[name], rtol=0, atol=1e-5)
        assert np.abs(outputs[name] - truth[name]).max() > 1e-10  # float32 is no float64


class Narrow(layers.Layer):
    def call(self, x: Any) -> Any:
        return tf.nn.lrn(x[..., tf.newaxis, :], depth_radius=1)[..., 0, :]  # float32 and float16 alone


def test_a_model_of_an_operation_without_float64_is_held_to_keras_alone() -> None:
    features = keras.Input((4, 3), name="x")
    model = randomised(keras.Model(features, Narrow()(layers.GRU(4, return_sequences=True)(features))))
    assert all(truth == {} for *_, truth in truths(model))


def grows(scale: float, classes: int = 24) -> keras.Model:
    """A network of characters whose trained weights are so large that rounding grows from step to step."""
    x = rows = keras.Input((None, classes), name="characters")
    for _ in range(2):
        x = layers.GRU(64, return_sequences=True)(x)
    model = keras.Model(rows, layers.Dense(classes, activation="softmax")(x))
    for layer in model.layers:
        layer.set_weights([value * scale if value.shape[0] > 2 else value for value in layer.get_weights()])
    return model


def test_a_file_may_have_the_rounding_that_keras_has(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = grows(1.0)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 100, bias])  # a sure classifier's logits
    model.layers[-1].activation = keras.activations.linear
    manifest = export(model, tmp_path / "b", formats=["onnx"])
    parity = manifest.artifacts[0].parity
    assert parity.keras_error is not None
    assert parity.own_error is not None
    assert parity.max_abs_diff > 1e-5  # it was refused
    assert parity.max_abs_diff <= parity.atol <= 2 * parity.keras_error
    assert "grows rounding" in str(parity.reason)
    card = (tmp_path / "b" / "README.md").read_text()
    assert f"{parity.keras_error:.1e}" in card
    assert f"{parity.own_error:.1e}" in card
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "b"))


def test_a_wrong_file_fails_however_much_the_network_grows() -> None:
    """Recurrent weights of 0.1 % more are a wrong file, on the cases on which Keras is near float64."""
    keras.utils.set_random_seed(1)
    model = grows(3.0)
    signature = read_signature(model)
    grid = make_grid(signature, length=9)
    cases = with_truth(keras_answers(model, signature, grid), model, signature)
    kernel, *others = model.layers[1].get_weights()
    model.layers[1].set_weights([kernel * 1.001, *others])
    found = [
        difference
        for case, wrong in zip(cases, keras_answers(model, signature, grid), strict=True)
        for difference in compare(case.name, case.outputs, wrong.outputs, decisions={}, truth=case.truth)
    ]
    assert ParityReport("model.onnx", Tolerance(), tuple(found), ()).failures


@pytest.mark.parametrize(
    ("differences", "passes"),
    [
        ([(1e-6, 1e-7), (5e-5, 3e-5)], True),  # twice what Keras is off
        ([(1e-6, 1e-7), (7e-5, 3e-5)], False),
        ([(5e-5, 3e-5), (9e-5, 6e-5)], True),
        ([(5e-4, 3e-4), (9e-4, 6e-4)], False),  # no case on which Keras is near the truth
        ([(1e-6, 1e-7), (5e-5, None)], False),
        ([(1e-6, None)], True),
    ],
)
def test_what_the_gate_allows(differences: list[tuple[float, float | None]], passes: bool) -> None:
    made = tuple(
        Difference(f"case {place}", "y", diff, 0, "", error, error) for place, (diff, error) in enumerate(differences)
    )
    report = ParityReport("model.onnx", Tolerance(), made, ())
    assert report.passed is passes
    if passes:
        assert report.summary().max_abs_diff <= report.summary().atol
