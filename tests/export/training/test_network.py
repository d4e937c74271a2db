"""Networks by their parts: parameters against the arithmetic of the cells, options against what they say."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError
from deeprnn_export.training.network import build_network

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
BIASES = {"rnn": 1, "lstm": 1, "gru": 2}  # GRU's reset_after has one for the recurrence too


def parameters(cell: str, features: int, units: list[int], *, directions: int = 1) -> int:
    total, width = 0, features
    for size in units:
        total += directions * GATES[cell] * (size * (width + size) + BIASES[cell] * size)
        width = directions * size
    return total


@pytest.mark.parametrize(("cell", "count"), [("rnn", 322_881), ("lstm", 331_473), ("gru", 328_753)])
def test_the_default_network_is_that_of_the_seed(cell: Any, count: int) -> None:
    model = build_network(cell)
    assert model.count_params() == count
    assert [layer.name for layer in model.layers] == ["tokens", "embedding", f"{cell}_1", f"{cell}_2", "probability"]
    assert model.input_shape == (None, 100)
    assert model.inputs[0].dtype == "int32"
    assert [layer.return_sequences for layer in model.layers[2:4]] == [True, False]
    assert model.layers[-1].activation is keras.activations.sigmoid
    assert not model.layers[1].mask_zero
    assert (model.loss, model.optimizer.name) == ("binary_crossentropy", "adam")


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("units", [[4, 3, 2]])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_stack_has_the_parameters_that_its_equations_have(cell: Any, units: list[int], bidirectional: bool) -> None:
    model = build_network(cell, units=units, features=6, steps=4, bidirectional=bidirectional, head="regression")
    directions = 2 if bidirectional else 1
    head = directions * units[-1] + 1
    assert model.count_params() == parameters(cell, 6, units, directions=directions) + head
    assert model(np.zeros((2, 4, 6), np.float32)).shape == (2, 1)


def test_ten_layers() -> None:
    assert (
        build_network("rnn", units=[2] * 10, features=6, steps=4).count_params() == parameters("rnn", 6, [2] * 10) + 3
    )


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("features", [None, 3])
def test_a_mask_makes_padding_count_for_nothing(cell: Any, features: int | None) -> None:
    model = build_network(cell, units=[4], vocabulary_size=20, features=features, steps=None, mask=True)
    random = np.random.default_rng(0)
    x = random.integers(1, 20, (3, 5)) if features is None else random.normal(size=(3, 5, features)).astype(np.float32)
    padded = np.concatenate([np.zeros_like(x), x], axis=1)
    np.testing.assert_allclose(model(padded), model(x), rtol=0, atol=1e-6)


def test_heads() -> None:
    probabilities = build_network("gru", units=[3], vocabulary_size=9, steps=4, head="multiclass", classes=5)
    assert probabilities.layers[-1].name == "probabilities"
    np.testing.assert_allclose(np.sum(probabilities(np.ones((2, 4), np.int32)), axis=1), 1, atol=1e-6)
    value = build_network("gru", units=[3], vocabulary_size=9, steps=4, head="regression")
    assert (value.layers[-1].name, value.loss) == ("value", "mse")
    assert value.layers[-1].activation is keras.activations.linear


def test_dropout_acts_in_training_alone() -> None:
    keras.utils.set_random_seed(0)
    model = build_network("lstm", units=[4, 3], features=3, steps=5, dropout=0.5)
    x = np.ones((2, 5, 3), np.float32)
    np.testing.assert_array_equal(model(x, training=False), model(x, training=False))
    assert not np.allclose(model(x, training=True), model(x, training=False), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "esn"}, "unknown cell 'esn'; there are rnn, lstm, gru"),
        ({"units": []}, "0 recurrent layers; expected 1 to 10"),
        ({"units": [1] * 11}, "11 recurrent layers"),
        ({"units": [8, 0]}, "units 0; expected a whole number from 1"),
        ({"units": [8.5]}, "units 8.5; expected a whole number"),
        ({"vocabulary_size": None}, "neither a vocabulary size nor features"),
        ({"embedding_size": -1}, "embedding size -1"),
        ({"features": 0}, "features 0"),
        ({"steps": 0}, "steps 0"),
        ({"dropout": 1.0}, "dropout 1.0; expected a share from 0 to below 1"),
        ({"head": "ranking"}, "unknown head 'ranking'"),
        ({"head": "multiclass"}, "needs 2 or more classes, got None"),
        ({"classes": 3}, "only 'multiclass' counts classes"),
        ({"learning_rate": 0.0}, "learning rate 0.0; expected a positive number"),
        ({"learning_rate": float("nan")}, "learning rate nan"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        build_network(**({"cell": "gru"} | options))
