"""TFLite files of fewer bits: Keras's answers within a bound, sizes, and clean refusals where the converter ends."""

from __future__ import annotations

import dataclasses
import sys

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite
from deeprnn_export import build_network
from deeprnn_export.cells import cell_named
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite import TARGET, converter
from deeprnn_export.targets.tflite import recurrences as tflite_lowering
from deeprnn_export.targets.tflite.convert import convert_to_tflite
from deeprnn_export.tracing import recurrence
from tests.support.keras_models import CELLS, randomised

# TensorFlow's own calibration, in this process; it has no other interpreter.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s+Warning. tf.lite.Interpreter is deprecated:UserWarning")

STEPS = 12
# Of answers from 0 to 1, the networks' weights random: three times the largest that was measured.
ATOL = {"fp32": 1e-6, "fp16": 6e-4, "int8": 3e-3, "int8-full": 0.035, "int16x8": 0.015}
CALIBRATED = sorted(name for name, one in TARGET.precisions.items() if one.is_calibrated)


def network(cell: str, *, mask: bool, **options: object) -> keras.Model:
    sizes = {"units": (8, 6), "vocabulary_size": 200, "embedding_size": 8, "steps": STEPS, **options}
    return randomised(build_network(cell, mask=mask, **sizes))


def rows(count: int = 24, *, steps: int = STEPS, words: int = 200) -> NDArray[np.int32]:
    """Ids, every other row padded at either end."""
    ids = np.random.default_rng(0).integers(1, words, (count, steps)).astype(np.int32)
    ids[::4, : steps // 3] = 0
    ids[2::4, -steps // 3 :] = 0
    return ids


def convert(model: keras.Model, precision: str, values: NDArray[np.generic]) -> bytes:
    signature = read_signature(model)
    (spec,) = signature.inputs
    calibration = [{spec.name: values[row : row + 1]} for row in range(len(values))]
    shapes = {spec.name: (1, *values.shape[1:])}
    return convert_to_tflite(
        ConversionInput(model, signature, shapes=shapes, calibration=calibration), precision
    ).content


@pytest.mark.one_in(16)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("precision", TARGET.precisions)
@pytest.mark.parametrize("mask", [False, True], ids=["unmasked", "masked"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_file_answers_nearly_as_keras(cell: str, mask: bool, precision: str) -> None:
    model, ids = network(cell, mask=mask), rows()
    content = convert(model, precision, ids)
    seen = inspect_tflite(content, "m")
    assert not seen.foreign
    assert [(spec.name, spec.dtype) for spec in seen.inputs] == [("tokens", "int32")]
    assert [(spec.name, spec.dtype) for spec in seen.outputs] == [("probability", "float32")]
    session = open_session(content, kind="tflite", path="m")
    answers = session.run({"tokens": ids})["probability"]
    np.testing.assert_allclose(answers, np.asarray(model(ids, training=False)), rtol=0, atol=ATOL[precision])
    np.testing.assert_array_equal(answers, session.run({"tokens": ids})["probability"])
    np.testing.assert_array_equal(answers[3:4], session.run({"tokens": ids[3:4]})["probability"])
    stored = {tensor.dtype for tensor in seen.tensors}
    assert ("int8" in stored) == precision.startswith("int")
    assert ("float16" in stored) == (precision == "fp16")
    if precision in CALIBRATED:
        assert not seen.operators.keys() & {"WHILE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}


@pytest.mark.one_in(4)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("precision", CALIBRATED)
@pytest.mark.parametrize("cell", CELLS)
def test_features_behind_a_masking_layer(cell: str, precision: str) -> None:
    model = network(cell, mask=True, vocabulary_size=None, features=5, head="multiclass", classes=3)
    values = np.random.default_rng(0).standard_normal((24, STEPS, 5)).astype(np.float32)
    values[::2, -4:] = 0.0
    seen = inspect_tflite(content := convert(model, precision, values), "m")
    assert [spec.dtype for spec in (*seen.inputs, *seen.outputs)] == ["float32", "float32"]
    answers = open_session(content, kind="tflite", path="m").run({"features": values})["probabilities"]
    np.testing.assert_allclose(answers, np.asarray(model(values, training=False)), rtol=0, atol=ATOL[precision])


@pytest.mark.one_in(4)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("precision", CALIBRATED)
def test_both_directions_and_an_input_by_an_odd_name(precision: str) -> None:
    inputs = [keras.Input((STEPS, 3), name="file"), keras.Input((2,), name="arr_0")]
    x = keras.layers.Bidirectional(keras.layers.GRU(4, reset_after=False))(inputs[0])
    model = randomised(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()([x, inputs[1]]))))
    random = np.random.default_rng(0)
    feeds = {
        "file": random.standard_normal((30, STEPS, 3)).astype(np.float32),
        "arr_0": random.standard_normal((30, 2)).astype(np.float32),
    }
    signature = read_signature(model)
    given = ConversionInput(
        model,
        signature,
        shapes={"file": (1, STEPS, 3), "arr_0": (1, 2)},
        calibration=[{name: array[row : row + 1] for name, array in feeds.items()} for row in range(30)],
    )
    content = convert_to_tflite(given, precision).content
    answers = open_session(content, kind="tflite", path="m").run(feeds)[signature.outputs[0].name]
    expected = np.asarray(model(list(feeds.values()), training=False))
    np.testing.assert_allclose(answers, expected, rtol=0, atol=ATOL[precision] * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("mask", [False, True], ids=["unmasked", "masked"])
@pytest.mark.parametrize("cell", CELLS)
def test_int8_is_little_more_than_a_quarter_of_float32(cell: str, mask: bool) -> None:
    model = build_network(cell, mask=mask)  # the network of the seed: 10,000 words, 100 steps
    ids = rows(1, steps=100, words=10_000)
    sizes = {precision: len(convert(model, precision, ids)) for precision in ("fp32", "int8")}
    assert sizes["int8"] <= 0.28 * sizes["fp32"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", CALIBRATED)
def test_the_worker_converts_and_tries_the_file(precision: str) -> None:
    model, ids = network("gru", mask=True), rows()
    answers = open_session(convert(model, precision, ids), kind="tflite", path="m").run({"tokens": ids})
    np.testing.assert_allclose(answers["probability"], np.asarray(model(ids)), rtol=0, atol=ATOL[precision])


@pytest.mark.slow
def test_a_file_at_which_litert_aborts_is_a_clean_error(monkeypatch: pytest.MonkeyPatch) -> None:
    gru = cell_named("gru")
    # With the subtraction, which the lowering avoids for this reason.
    plain = dataclasses.replace(gru, integer_step=None)
    monkeypatch.setattr(recurrence, "cell_of", lambda _: plain)
    with pytest.raises(
        UnsupportedModelError,
        match=r"'gru_8_6' in int16x8: LiteRT crashed with SIGABRT at the file; leave .*'onnx',\) alone",
    ):
        convert(network("gru", mask=False), "int16x8", rows())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.abort()", "the TFLite converter crashed with SIGABRT"),
        ("import sys; sys.exit('error: no such thing')", "the TFLite converter refused it: error: no such thing"),
        (
            "import json, sys, pathlib; pathlib.Path(json.loads(words)[1]).touch(); sys.exit('no kernel')",
            "LiteRT cannot run the file: no kernel",
        ),
    ],
)
def test_the_workers_end_names_model_and_precision(monkeypatch: pytest.MonkeyPatch, program: str, message: str) -> None:
    monkeypatch.setattr(converter, "PROGRAM", (sys.executable, "-c", f"words = input(); {program}"))
    with pytest.raises(UnsupportedModelError, match=f"model 'rnn_8_6' in int8: {message}; leave this precision out"):
        convert(network("rnn", mask=False), "int8", rows())


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("cell", "precision", "refused"),
    [("gru", "int8-full", True), ("lstm", "int16x8", True), ("gru", "int8", False)],
)
@pytest.mark.usefixtures("convert_in_process")
def test_too_many_steps_to_write_out(monkeypatch: pytest.MonkeyPatch, cell: str, precision: str, refused: bool) -> None:
    monkeypatch.setattr(tflite_lowering, "WRITTEN_OUT_STEPS", 2 * STEPS - 1)
    model, ids = network(cell, mask=False), rows(4)
    if not refused:
        assert convert(model, precision, ids)
        return
    with pytest.raises(
        UnsupportedModelError,
        match=rf"layer '{cell}_2' with its 12 steps makes 24 steps in all, and {precision} takes 23: .*"
        r"\(tensorflow#87468\); export it with precisions=\('int8',\), .*max_length=.* formats=\('onnx',\)",
    ):
        convert(model, precision, ids)


@keras.saving.register_keras_serializable("tests")
class OwnCell(keras.layers.SimpleRNNCell):
    """Another class, so that only Keras knows its loop."""


def test_a_loop_of_keras_cannot_be_calibrated() -> None:
    model = keras.Sequential([keras.Input((STEPS, 3)), keras.layers.RNN(OwnCell(4), name="own")])
    with pytest.raises(UnsupportedModelError, match=r"layer 'own' keeps Keras's loop \(.*OwnCell.*int8-full .*87468"):
        convert(model, "int8-full", np.ones((2, STEPS, 3), np.float32))


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ("int8-full", "int8-full is calibrated on real samples; give some with calibration="),
        ("int4", "unknown precision 'int4' for tflite; there are fp32, fp16, int8, int8-full, int16x8"),
    ],
)
def test_precisions_that_cannot_be_had(precision: str, message: str) -> None:
    model = network("gru", mask=False)
    with pytest.raises(InputError, match=message):
        convert_to_tflite(ConversionInput(model, read_signature(model), shapes={"tokens": (1, STEPS)}), precision)
