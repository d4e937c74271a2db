"""Converting never changes the user's model, nor what another thread gets from it meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import keras
import numpy as np
import pytest

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.lowering.lower import lowered
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.onnx import recurrences as onnx_lowering
from deeprnn_export.targets.onnx.convert import convert_to_onnx
from deeprnn_export.targets.onnx.recurrences import OnnxLowering
from deeprnn_export.tracing.inference_form import inference_form
from tests.support.keras_models import randomised
from tests.support.workshop import assert_untouched, small


def test_overrides_are_taken_back_after_an_exception(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = small()
    ids = np.ones((2, 8), np.int32)
    before = np.asarray(model(ids))
    monkeypatch.setattr(onnx_lowering.OnnxLowering, "_mark", lambda *_: 1 / 0)
    with pytest.raises(UnsupportedModelError, match=r"'small' cannot be traced: .*division by zero"):
        export(model, tmp_path / "bundle", formats=["onnx"])
    assert all("inner_loop" not in layer.__dict__ and "call" not in layer.__dict__ for layer in model.layers)
    np.testing.assert_array_equal(np.asarray(model(ids)), before)
    assert_untouched(tmp_path)


def test_two_threads_may_convert_one_model() -> None:
    model = small()
    given = ConversionInput(model, read_signature(model))
    alone = convert_to_onnx(given)
    together: list[bytes] = []
    threads = [threading.Thread(target=lambda: together.append(convert_to_onnx(given))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [alone] * 4


def test_another_thread_gets_the_models_own_answers() -> None:
    model = small()
    ids = np.ones((2, 8), np.int32)
    before = np.asarray(model(ids))
    found: list[object] = []
    with lowered(model, OnnxLowering()):
        thread = threading.Thread(target=lambda: found.append(np.asarray(model(ids))))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(found[0], before)


def test_states_seeds_and_policies_stay_as_they_were(tmp_path: Path) -> None:
    model = randomised(
        keras.Sequential(
            [
                keras.Input(batch_shape=(2, 5, 3)),
                keras.layers.GRU(4, stateful=True, return_sequences=True, dropout=0.3, activation="mish"),
                keras.layers.LSTM(3, stateful=True, dtype="mixed_float16"),
            ]
        )
    )
    features = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)
    model(features)  # the states are no longer zero
    variables = [np.asarray(variable) for variable in model.variables]
    states = [np.asarray(state) for layer in model.layers for state in layer.states]
    attributes = [dict(layer.__dict__) for layer in model._flatten_layers()]
    export(model, tmp_path / "bundle", formats=["onnx"])
    for old, new in zip(variables, model.variables, strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))
    for old, new in zip(states, [state for layer in model.layers for state in layer.states], strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))
    assert [layer.__dict__.keys() for layer in model._flatten_layers()] == [before.keys() for before in attributes]
    assert model.layers[0].stateful
    assert model.layers[1].compute_dtype == "float16"


def test_the_float32_form_is_the_model_with_a_float32_policy() -> None:
    def build(policy: str) -> keras.Model:
        layers = [keras.layers.LSTM(4, dtype=policy), keras.layers.Dense(2, activation="softmax", dtype=policy)]
        return randomised(keras.Sequential([keras.Input((5, 3)), *layers]))

    features = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)
    mixed, plain = build("mixed_float16"), build("float32")
    rounded = np.asarray(mixed(features))
    with inference_form(mixed):
        widened = np.asarray(mixed(features))
    np.testing.assert_array_equal(widened, np.asarray(plain(features)))
    assert rounded.dtype == np.float16
    np.testing.assert_array_equal(np.asarray(mixed(features)), rounded)


@pytest.mark.slow
def test_two_threads_may_export_one_model_that_is_stateful_and_mixed(tmp_path: Path) -> None:
    model = randomised(
        keras.Sequential(
            [
                keras.Input(batch_shape=(2, 5, 3)),
                keras.layers.GRU(4, stateful=True, return_sequences=True, dtype="mixed_float16"),
                keras.layers.LSTM(3, stateful=True),
            ]
        )
    )
    names = [f"{number}.zip" for number in range(3)]
    threads = [
        threading.Thread(target=export, args=(model, tmp_path / name), kwargs={"formats": ["onnx"]}) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, *others = [(tmp_path / name).read_bytes() for name in names]
    assert others == [first, first]
    assert all(layer.stateful for layer in model.layers)
    assert model.layers[0].compute_dtype == "float16"
