"""From raw values to an answer: a bundle gives what Keras's layers and the scaler's formula give, or there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.bundle.manifest import decode_manifest, encode_manifest
from deeprnn_edge.errors import BundleError, InputError, ParityError
from deeprnn_edge.parity.verify import verify
from deeprnn_export import export
from deeprnn_export.parity import raw_values
from tests.support.changed_bundle import change_manifest
from tests.support.keras_models import randomised
from tests.support.shared import made_once
from tests.support.workshop import assert_untouched, run

L = keras.layers
SCALER = {"mean": [1.0, -20.0, 3e4], "scale": [0.5, 10.0, 1e3]}
RECORDING = np.random.default_rng(3).normal(size=(20, 3)) * SCALER["scale"] + SCALER["mean"]


def model_of_features(steps: int | None = 8) -> keras.Model:
    given = keras.Input((steps, 3), name="x")
    out = L.Dense(2, activation="softmax", name="p")(L.GRU(4, name="gru")(given))
    return randomised(keras.Model(given, out, name="features"))


def scaled(values: Any) -> Any:
    return ((np.asarray(values) - SCALER["mean"]) / SCALER["scale"]).astype(np.float32)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Windows of 8 steps, each 4, of the columns 2, 0 and 1 of a raw row, that stream too; and its model beside it."""

    def make(folder: Path) -> None:
        model = model_of_features()
        model.save(folder / "m.keras")
        options: dict[str, Any] = {"scaler": SCALER, "columns": [2, 0, 1], "hop": 4, "stream": True}
        export(model, folder / "b", formats=["onnx"], labels=["no", "yes"], **options)

    return made_once(tmp_path_factory, "raw_values", make)[0]


def test_predict_and_streams_answer_raw_rows_as_keras_does_scaled_ones(bundle: Path) -> None:
    model, loaded = keras.models.load_model(bundle / "m.keras"), deeprnn_edge.load(bundle / "b")
    rows = RECORDING[:, [1, 2, 0]]  # so that the columns 2, 0 and 1 are the features in their order
    windows = np.stack([scaled(RECORDING)[start : start + 8] for start in (0, 4, 8, 12)])
    expected = np.asarray(model(windows))
    np.testing.assert_allclose(loaded.predict(rows), expected, rtol=0, atol=1e-6)
    assert [names[0][0] for names in loaded.classify(rows)] == [["no", "yes"][i] for i in expected.argmax(axis=1)]
    with loaded.stream() as stream:
        for start in range(8):
            answer = stream.push(rows[start : start + 1])
    np.testing.assert_allclose(answer, expected[:1], rtol=0, atol=1e-6)


def test_verify_replays_raw_values(bundle: Path, tmp_path: Path) -> None:
    assert all(result.passed for result in verify(bundle / "b"))
    cases = decode_golden(open_bundle(bundle / "b").read_golden())
    (case,) = [case for case in cases if case.values]
    assert case.values["x"].shape == (3, 16, 4)
    assert case.inputs["x"].shape == (9, 8, 3)
    case.values["x"][0, 0, 0] += 0.1
    changed = tmp_path / "b"
    shutil.copytree(bundle / "b", changed)
    change_manifest(changed, companions=())
    (changed / "golden.npz").write_bytes(encode_golden(cases))
    (failure,) = verify(changed, artifact="model.onnx")[0].failures
    assert "raw values become others" in failure.problem
    with_words = encode_golden(
        [type(case)("c", case.inputs, case.outputs, values={"x": np.array([[["a"] * 4]], object)})]
    )
    (changed / "golden.npz").write_bytes(with_words)
    with pytest.raises(BundleError, match="the raw values of c do not fit the steps of 'x'"):
        verify(changed, artifact="model.onnx")


def test_the_commands_take_raw_rows_and_name_the_steps(bundle: Path, tmp_path: Path) -> None:
    loaded = deeprnn_edge.load(bundle / "b")
    rows = RECORDING[:16, [1, 2, 0]]
    table = tmp_path / "rows.csv"
    table.write_text("a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in rows.tolist()))
    np.save(tmp_path / "rows.npy", rows)
    for file in (table, tmp_path / "rows.npy"):
        result = run("predict", bundle / "b", "--input", file, "--json")
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        assert [answer["item"] for answer in answers] == [f"item 0, window {number}" for number in range(3)]
        np.testing.assert_allclose([answer["outputs"]["p"] for answer in answers], loaded.predict(rows), atol=1e-6)
    short = tmp_path / "short.csv"
    short.write_text("1,2,3\n4,5,6\n")
    result = run("predict", bundle / "b", "--input", short)
    assert (result.exit_code, "2 steps make no whole number of windows of 8" in result.stderr) == (2, True)
    assert "window" in (bundle / "b" / "README.md").read_text()
    shown = run("inspect", bundle / "b").stdout
    assert (
        "input x: raw float64 (time, columns): columns [2, 0, 1], counted from 0, in this order; (x - [1, -20" in shown
    )


def test_a_scaler_that_is_read_otherwise_exports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_values, "VALUES_ATOL", -1.0)
    with pytest.raises(ParityError, match="raw values become others for the input 'x' than Keras or the scaler makes"):
        export(model_of_features(), tmp_path / "b", formats=["onnx"], scaler=SCALER)
    assert_untouched(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scaler": {"mean": [0] * 6, "scale": 1}}, "the scaler has 6 features, and the model's input 'x' takes 3"),
        ({"columns": "a,b"}, "2 columns, and the model's input 'x' takes 3"),
        ({"columns": ["a", 0, 1]}, "expected names, or places from 0, not both"),
        ({"columns": "a,b,a"}, "has one twice"),
        ({"rest": "pad"}, "rest='pad' is for windows: give hop= as well"),
        ({"hop": 0}, "hop=0: the next window begins at least 1 step on"),
        ({"scaler": {"mean": 0, "scale": 1, "columns": ["a", "b", "c"]}, "columns": "a,b,d"}, "knows no feature 'd'"),
        ({"scaler": SCALER, "sample_raw": np.zeros((1, 8, 4))}, r"item 0 of the raw samples: raw values of the shape"),
        ({"sample_raw": [np.zeros((8, 3))]}, "the bundle has no steps for any"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        export(model_of_features(), tmp_path / "b", formats=["onnx"], **options)
    assert_untouched(tmp_path)


def test_options_that_do_not_fit_the_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hop= cuts a recording into windows .* give max_length="):
        export(model_of_features(None), tmp_path / "b", formats=["onnx"], hop=3)
    ids = keras.Sequential([keras.Input((5,), dtype="int32"), L.Embedding(4, 2), L.GRU(2)])
    with pytest.raises(InputError, match=r"scaler= is for features of \(batch, time, features\)"):
        export(ids, tmp_path / "b", formats=["onnx"], scaler=SCALER)
    assert_untouched(tmp_path)


def test_the_command_names_its_options_and_what_it_recognised(tmp_path: Path) -> None:
    model_of_features().save(tmp_path / "m.keras")
    (tmp_path / "s.json").write_text(json.dumps(SCALER | {"columns": ["ax", "ay", "az"]}))
    rows = tmp_path / "raw.csv"
    rows.write_text("t,az,ay,ax\n" + "\n".join(f"{i},{30000 + i},{-i},{i / 9}" for i in range(8)))
    words = ("export", tmp_path / "m.keras", "-o", tmp_path / "b", "--format", "onnx")
    result = run(*words, "--scaler", tmp_path / "s.json", "--sample-raw", rows)
    assert result.exit_code == 0, result.stderr
    assert "s.json is a scaler of means and scales of 3 features" in result.stderr
    (case,) = [case for case in decode_golden(open_bundle(tmp_path / "b").read_golden()) if case.values]
    np.testing.assert_allclose(case.inputs["x"][0, 1], scaled([1 / 9, -1, 30001]))
    by_name = run("predict", tmp_path / "b", "--input", rows, "--json")
    expected = deeprnn_edge.load(tmp_path / "b").predict(case.values["x"])
    np.testing.assert_allclose([json.loads(by_name.stdout)["outputs"]["p"]], expected, atol=1e-6)
    rows.write_text("t,az,ay\n1,2,3\n")
    result = run("predict", tmp_path / "b", "--input", rows)
    assert (result.exit_code, "has no column 'ax'; its columns are t, az, ay" in result.stderr) == (2, True)
    for file, said in (
        (rows, "is neither JSON nor an .npz"),
        (tmp_path / "m.keras", "as a scaler: an .npz of numbers by name: metadata.json is no array"),
    ):
        result = run(*words, "--force", "--scaler", file)
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
        assert len(result.stderr.strip().splitlines()[-1:]) == 1


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    words = keras.Input((6,), dtype="string", name="words")
    store = keras.Input((1,), dtype="int64", name="store")
    table = L.Embedding(5, 3)(L.StringLookup(vocabulary=["a", "b", "é"], name="look")(words))
    one_hot = L.IntegerLookup(vocabulary=[1, 7, 9], output_mode="one_hot")(store)
    out = L.Dense(1, name="y")(L.Concatenate()([L.GRU(3)(table), one_hot]))
    model = randomised(keras.Model([words, store], out, name="two"))
    folder = tmp_path_factory.mktemp("two") / "b"
    export(model, folder)
    return model, folder


def test_layers_in_front_of_two_inputs(two_inputs: tuple[keras.Model, Path]) -> None:
    model, folder = two_inputs
    words, stores = [list("abzéab"), list("éb[aza")], np.array([[7], [5]])
    expected = np.asarray(model([tf.constant(words), tf.constant(stores)]))
    for artifact in ("model.onnx", "model.tflite"):
        loaded = deeprnn_edge.load(folder, artifact=artifact)
        for given in ({"words": words, "store": stores}, [words, stores]):
            np.testing.assert_allclose(loaded.predict(given), expected, rtol=0, atol=1e-6)
    assert all(result.passed for result in verify(folder))
    with pytest.raises(InputError, match="input 'words': 3 is a int among words"):
        loaded.predict([[["a", "b", 3, "a", "a", "a"]], [[7]]])
    assert decode_manifest(encode_manifest(loaded.manifest)) == loaded.manifest


def test_masked_categories_are_padded_behind_their_lookup(tmp_path: Path) -> None:
    codes = keras.Input((6,), dtype="int64", name="codes")
    ids = L.IntegerLookup(vocabulary=[10, 20, 30], mask_token=0)(codes)
    model = randomised(keras.Model(codes, L.Dense(1)(L.LSTM(3)(L.Embedding(6, 3, mask_zero=True)(ids)))))
    export(model, tmp_path / "b", formats=["onnx"], padding="post")
    loaded = deeprnn_edge.load(tmp_path / "b")
    expected = np.asarray(model(np.array([[10, 99, 30, 0, 0, 0]])))
    np.testing.assert_allclose(loaded.predict([[10, 99, 30]]), expected, rtol=0, atol=1e-6)
    result = run("predict", tmp_path / "b", "10, 99,30", "--json")
    np.testing.assert_allclose(
        json.loads(result.stdout)["outputs"][loaded.manifest.outputs[0].name], expected[0], atol=1e-6
    )
    result = run("predict", tmp_path / "b", "10,x")
    assert (result.exit_code, "'x' stands where the model takes whole numbers" in result.stderr) == (2, True)
