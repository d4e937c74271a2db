"""The whole way through: what a bundle holds, what is refused, and what is never left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

import deeprnn_edge
from deeprnn_edge import onnx_session
from deeprnn_edge.cli import main
from deeprnn_edge.errors import InputError, ParityError, UnsupportedModelError
from deeprnn_edge.manifest import Preprocessing
from deeprnn_export import export, onnx_lowering
from deeprnn_export.datasets import load_dataset
from deeprnn_export.onnx_conversion import convert_to_onnx
from deeprnn_export.signature import read_signature
from deeprnn_export.training_record import Epoch, TrainingOptions, TrainingRecord, write_record
from tests.export.conftest import CELLS, randomised


def small(cell: str = "gru", *, steps: int | None = 8, mask: bool = True, **options: object) -> keras.Model:
    return randomised(
        keras.Sequential(
            [
                keras.Input((steps,), dtype="int32", name="tokens"),
                keras.layers.Embedding(20, 3, mask_zero=mask),
                CELLS[cell](4, **options),
                keras.layers.Dense(1, activation="sigmoid", name="probability"),
            ],
            name="small",
        )
    )


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def assert_untouched(folder: Path, *expected: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(expected)


def test_the_command_writes_a_bundle_that_verifies(tmp_path: Path) -> None:
    """With the converter in its own process, as users run it."""
    model = small()
    model.save(tmp_path / "small.keras")
    result = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle", "--labels", "bad,good")
    assert result.exit_code == 0, result.output
    assert "model.onnx" in result.stdout
    assert "model.tflite" in result.stdout
    assert "checking model.tflite against Keras" in result.stderr
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert names == {"manifest.json", "model.onnx", "model.tflite", "golden.npz", "README.md"}
    assert run("verify", tmp_path / "bundle").exit_code == 0
    assert_untouched(tmp_path, "bundle", "small.keras")

    loaded = deeprnn_edge.load(tmp_path / "bundle")
    assert loaded.manifest.name == "small"
    assert loaded.manifest.labels == ("bad", "good")
    assert loaded.manifest.inputs[0].shape == ("batch", 8)
    assert loaded.manifest.inputs[0].id_count == 20
    assert [layer.kind for layer in loaded.manifest.architecture.layers] == ["Embedding", "GRU", "Dense"]
    assert loaded.manifest.architecture.parameters == model.count_params()
    ids = np.random.default_rng(3).integers(0, 20, (5, 8)).astype(np.int32)
    expected = np.asarray(model(ids, training=False))
    np.testing.assert_allclose(loaded.run(ids)["probability"], expected, rtol=0, atol=1e-5)

    again = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle")
    assert again.exit_code == 2
    assert "exists; choose another --output, or replace it with --force" in again.stderr
    replaced = run(
        "export", tmp_path / "small.keras", "-o", tmp_path / "bundle", "--format", "onnx", "--force", "--json"
    )
    assert replaced.exit_code == 0, replaced.output
    assert json.loads(replaced.stdout)["artifacts"][0]["path"] == "model.onnx"
    assert not (tmp_path / "bundle" / "model.tflite").exists()
    assert_untouched(tmp_path, "bundle", "small.keras")


def test_a_zip_is_a_bundle(tmp_path: Path) -> None:
    export(small(), tmp_path / "small.zip", formats=["onnx"])
    assert zipfile.is_zipfile(tmp_path / "small.zip")
    assert deeprnn_edge.verify(tmp_path / "small.zip")[0].passed
    assert_untouched(tmp_path, "small.zip")


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = small()
    for name in ("a.zip", "b.zip"):
        export(model, tmp_path / name, formats=["onnx"])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_two_threads_may_convert_one_model() -> None:
    model = small()
    signature = read_signature(model)
    alone = convert_to_onnx(model, signature)
    together: list[bytes] = []
    threads = [threading.Thread(target=lambda: together.append(convert_to_onnx(model, signature))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [alone] * 4


def test_preprocessing_and_vocabulary_travel(tmp_path: Path) -> None:
    words = tuple(f"w{rank}" for rank in range(100))
    manifest = export(small(), tmp_path / "b", formats=["onnx"], vocabulary=words, preprocessing=Preprocessing("text"))
    assert manifest.preprocessing.max_length == 8
    assert (tmp_path / "b" / "vocabulary.txt").read_text().splitlines() == list(words[:16])  # ids 4 to 19
    loaded = deeprnn_edge.load(tmp_path / "b")
    np.testing.assert_array_equal(loaded.predict("W0 w15, w16"), loaded.predict([[1, 4, 19, 2]]))


def test_what_training_left_beside_the_model_travels(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path / "s.keras")
    record = TrainingRecord(
        name="film",
        dataset="own",
        preprocessing=Preprocessing("text", max_length=8, padding="post"),
        words=("good", "bad"),
        labels=("no", "yes"),
        history=(Epoch(1, 0.5, 0.5, 0.5, 0.5, 1.0),),
        best_epoch=1,
        test_accuracy=0.5,
        baseline_accuracy=None,
        options=TrainingOptions(),
    )
    write_record(tmp_path / "s.keras", record)
    manifest = export(tmp_path / "s.keras", tmp_path / "b", formats=["onnx"])
    assert (manifest.name, manifest.labels) == ("film", ("no", "yes"))
    assert manifest.preprocessing.padding == "post"
    loaded = deeprnn_edge.load(tmp_path / "b")
    ids = np.array([[1, 4, 2, 5, 0, 0, 0, 0]], np.int32)
    np.testing.assert_allclose(loaded.predict("Good or bad"), np.asarray(model(ids)), rtol=0, atol=1e-5)


def test_accuracy_is_measured_on_data_that_fits(tmp_path: Path) -> None:
    model = small()
    table = tmp_path / "own.csv"
    rows = [f"good w{i} film,yes\nbad w{i} film,no\n" for i in range(20)]
    table.write_text("text,label\n" + "".join(rows))
    manifest = export(model, tmp_path / "b", formats=["onnx"], evaluate=table)
    data = load_dataset(table, max_length=8, vocabulary_size=20)
    answers = np.asarray(model(data.x_test, training=False))[:, 0] > 0.5
    assert manifest.artifacts[0].accuracy == np.mean(answers == data.y_test)
    with pytest.raises(InputError, match=r"vowels has rows of .* with 9 labels; the model takes \(batch, 8\)"):
        export(model, tmp_path / "c", formats=["onnx"], evaluate="vowels")
    assert_untouched(tmp_path, "b", "own.csv")


def test_a_wrong_conversion_is_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(onnx_lowering._GATES, "gru", [1, 0, 2])  # update and reset gate exchanged
    model = small()
    model.save(tmp_path / "small.keras")
    result = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle", "--format", "onnx")
    assert result.exit_code == 1
    assert "probability" in result.stdout  # the table: which case of which output
    assert "batch 1, full" in result.stdout
    assert "comparisons with Keras failed; nothing was exported" in result.stderr
    assert_untouched(tmp_path, "small.keras")


def test_a_failed_export_leaves_the_old_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small()
    export(model, tmp_path / "bundle", formats=["onnx"])
    before = (tmp_path / "bundle" / "manifest.json").read_bytes()
    real = onnx_session.OnnxSession.run
    monkeypatch.setattr(
        onnx_session.OnnxSession,
        "run",
        lambda self, feeds: {k: v + np.float32(2e-5) for k, v in real(self, feeds).items()},
    )
    with pytest.raises(ParityError, match="nothing was exported"):
        export(model, tmp_path / "bundle", formats=["onnx"], force=True)
    assert (tmp_path / "bundle" / "manifest.json").read_bytes() == before
    assert_untouched(tmp_path, "bundle")


@pytest.mark.usefixtures("convert_in_process")
def test_free_time_needs_a_length_for_tflite_alone(tmp_path: Path) -> None:
    model = small(steps=None)
    with pytest.raises(InputError, match=r"TFLite needs fixed axes: give --max-length, or a sample, or .*onnx alone"):
        export(model, tmp_path / "bundle")
    assert_untouched(tmp_path)
    free = export(model, tmp_path / "free", formats=["onnx"])
    assert free.inputs[0].shape == ("batch", "time")
    assert free.preprocessing.max_length is None
    export(model, tmp_path / "fixed", max_length=6)
    onnx, tflite = (deeprnn_edge.load(tmp_path / "fixed", artifact=f"model.{kind}") for kind in ("onnx", "tflite"))
    assert tflite.input_shapes == {"tokens": ("batch", 6)}
    items = [[4, 5], [6, 7, 8, 9, 10, 11, 12]]
    np.testing.assert_allclose(onnx.predict(items), tflite.predict(items), rtol=0, atol=1e-5)
    sampled = export(model, tmp_path / "sampled", sample=np.ones((2, 5), np.int32))
    assert sampled.artifacts[1].parity.cases == sampled.artifacts[0].parity.cases - 3  # other lengths do not fit
    with pytest.raises(InputError, match=r"this TFLite artifact takes \(batch, 5\)"):
        deeprnn_edge.load(tmp_path / "sampled", artifact="model.tflite").run(np.ones((1, 4), np.int32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["coreml"]}, "unknown format coreml; there are onnx, tflite"),
        ({"formats": []}, r"unknown format \(none\)"),
        ({"precisions": ["fp8"]}, "unknown precision fp8; there are fp32"),
        ({"max_length": 0}, "--max-length 0: a sequence has at least 1 step"),
        ({"max_length": 9}, "--max-length 9, but the model was built for 8 steps"),
        ({"sample": np.ones((1, 7), np.int32)}, r"input 'tokens' has the shape \(1, 7\), expected \(batch, 8\)"),
        ({"sample": np.full((1, 8), 20)}, "has the id 20"),
        ({"preprocessing": Preprocessing("text")}, "a text model needs its vocabulary"),
        (
            {"preprocessing": Preprocessing("text"), "vocabulary": ["two words"]},
            "words are not empty and hold no white",
        ),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        export(small(), tmp_path / "bundle", **options)  # type: ignore[arg-type]
    assert_untouched(tmp_path)


@keras.saving.register_keras_serializable("tests")
class Odd(keras.layers.Layer):
    """Computes with an operator that a target lacks."""

    def __init__(self, operator: str, **options: object) -> None:
        super().__init__(**options)
        self.operator = operator

    def call(self, x: object) -> object:
        if self.operator == "Lgamma":
            return tf.math.lgamma(tf.abs(x) + 1.0)
        return x * tf.linalg.det(tf.matmul(x, x, transpose_a=True))[:, tf.newaxis, tf.newaxis]


@pytest.mark.parametrize(
    ("layer", "kind", "message"),
    [
        (
            lambda: Odd("Lgamma", name="odd"),
            "onnx",
            r"layer 'inner/odd' \(Odd\) computes with TensorFlow's Lgamma: ONNX",
        ),
        (
            lambda: Odd("Det", name="odd"),
            "tflite",
            r"'inner/odd' \(Odd\) computes with TensorFlow's MatrixDeterminant: .*Flex.*--format onnx alone",
        ),
        (
            lambda: keras.layers.LSTM(3, return_sequences=True, dtype="float64", name="wide"),
            "onnx",
            r"layer 'inner/wide' \(LSTM\) has weights of float64; .*dtype policy 'float32'",
        ),
    ],
)
def test_a_layer_without_an_exact_form_is_named_with_its_path(
    tmp_path: Path, layer: Callable[[], keras.layers.Layer], kind: str, message: str
) -> None:
    inner = keras.Sequential([keras.Input((5, 3)), layer()], name="inner")
    model = keras.Sequential([keras.Input((5, 3)), inner, keras.layers.GRU(3)])
    with pytest.raises(UnsupportedModelError, match=message):
        export(model, tmp_path / "bundle", formats=[kind])
    assert_untouched(tmp_path)


def test_a_network_without_recurrences_is_for_other_tools(tmp_path: Path) -> None:
    plain = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)], name="plain")
    with pytest.raises(UnsupportedModelError, match="'plain' has no recurrent layer; tf2onnx or Keras's own"):
        export(plain, tmp_path / "bundle")


def test_a_model_that_was_never_called_is_refused(tmp_path: Path) -> None:
    class Never(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="never")
            self.gru = keras.layers.GRU(3)

        def call(self, x: object) -> object:
            return self.gru(x)

    with pytest.raises(UnsupportedModelError, match="'never' has no known inputs; call it once on sample data"):
        export(Never(), tmp_path / "bundle")


def test_a_loop_is_said_in_manifest_inspection_and_card(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(3, activation="mish", name="odd")])
    manifest = export(model, tmp_path / "bundle", formats=["onnx"])
    assert [(one.layer, one.form) for one in manifest.artifacts[0].recurrences] == [("odd", "keras loop")]
    shown = run("inspect", tmp_path / "bundle").stdout
    assert "the ONNX operators lack the activation mish" in shown
    assert "`odd` runs as a loop" in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


def test_a_deep_network_states_its_tolerance(tmp_path: Path) -> None:
    layers = [keras.layers.SimpleRNN(3, return_sequences=True) for _ in range(10)]
    model = keras.Sequential([keras.Input((100, 2)), *layers])
    parity = export(model, tmp_path / "bundle", formats=["onnx"]).artifacts[0].parity
    assert parity.atol == 1e-4
    assert parity.reason == "rounding passes through 10 recurrent layers of 100 steps each, one after the other"
    with pytest.raises(ParityError):
        export(model, tmp_path / "strict", formats=["onnx"], atol=1e-12)


def test_a_lambda_is_not_run_unasked(tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((5, 3)), keras.layers.Lambda(lambda x: x * 2, output_shape=(5, 3)), keras.layers.GRU(4)]
    )
    model.save(tmp_path / "lambda.keras")
    result = run("export", tmp_path / "lambda.keras", "-o", tmp_path / "bundle", "--format", "onnx")
    assert result.exit_code == 2
    assert "Lambda layer" in result.stderr
    assert "--allow-lambda" in result.stderr
    allowed = run("export", tmp_path / "lambda.keras", "-o", tmp_path / "bundle", "--format", "onnx", "--allow-lambda")
    assert allowed.exit_code == 0, allowed.output


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.keras", None, "no such model file"),
        ("model.pt", b"x", "expected a .keras or .h5 file"),
        ("broken.keras", b"PK junk", "is no zip archive"),
        ("broken.h5", b"\x89HDF junk", "is no HDF5 file"),
    ],
)
def test_files_that_are_no_model(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run("export", tmp_path / name, "-o", tmp_path / "bundle")
    assert result.exit_code == 2, result.output
    assert message in result.stderr.splitlines()[-1]
    assert not (tmp_path / "bundle").exists()


def test_the_seam_is_restored_after_an_exception(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = small()
    ids = np.ones((2, 8), np.int32)
    before = np.asarray(model(ids))
    monkeypatch.setattr(onnx_lowering.OnnxLowering, "_mark", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(model, tmp_path / "bundle", formats=["onnx"])
    assert all("inner_loop" not in layer.__dict__ and "call" not in layer.__dict__ for layer in model.layers)
    np.testing.assert_array_equal(np.asarray(model(ids)), before)
    assert_untouched(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="directory permissions do not stop writing on Windows")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write in"):
        export(small(), tmp_path / "missing" / "bundle")


def test_force_never_removes_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="exists and is no bundle; --force replaces bundles alone"):
        export(small(), tmp_path / "photos", force=True)
    assert (tmp_path / "photos" / "one.jpg").exists()


def test_a_converter_crash_is_a_clean_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = subprocess.run

    def crash(command: list[str], **options: object) -> object:
        return real([sys.executable, "-c", "import os; os.abort()"], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", crash)
    with pytest.raises(
        UnsupportedModelError, match=r"'small': the TFLite converter crashed with SIGABRT; .*onnx alone"
    ):
        export(small(), tmp_path / "bundle", formats=["tflite"])
    assert_untouched(tmp_path)
