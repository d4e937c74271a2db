"""The whole way through: what a bundle holds, what is refused, and what is never left behind."""

from __future__ import annotations

import dataclasses
import json
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError, ParityError
from deeprnn_edge.runtimes.onnx import session as onnx_session
from deeprnn_export import export
from deeprnn_export.cells import cell_named
from deeprnn_export.datasets.catalogue import load_dataset
from deeprnn_export.reading.training_record import Epoch, TrainingOptions, TrainingRecord, write_record
from deeprnn_export.tracing import recurrence
from tests.support.paths import FIXTURES
from tests.support.workshop import assert_untouched, run, small


@pytest.mark.slow
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
    gru = cell_named("gru")
    assert gru.node is not None
    exchanged = dataclasses.replace(gru, node=dataclasses.replace(gru.node, gates=(1, 0, 2)))  # update and reset gate
    monkeypatch.setattr(recurrence, "cell_of", lambda _: exchanged)
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


@pytest.mark.slow
@pytest.mark.usefixtures("convert_in_process")
def test_free_time_needs_a_length_for_tflite_alone(tmp_path: Path) -> None:
    model = small(steps=None)
    with pytest.raises(InputError, match=r"TFLite needs fixed axes: give max_length=, or a sample, or .*onnx.* alone"):
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
        ({"precisions": ["fp8"]}, "unknown precision fp8; onnx has fp32, fp16"),
        ({"max_length": 0}, "max_length=0: a sequence has at least 1 step"),
        ({"max_length": 9}, "max_length=9, but the model was built for 8 steps"),
        ({"sample": np.ones((1, 7), np.int32)}, r"input 'tokens' has the shape \(1, 7\), expected \(batch, 8\)"),
        ({"sample": np.full((1, 8), 20)}, "has the id 20"),
        ({"preprocessing": Preprocessing("text")}, "a text model needs its vocabulary"),
        (
            {"preprocessing": Preprocessing("text"), "vocabulary": ["twice", "twice"]},
            "has the word 'twice' 2 times",
        ),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        export(small(), tmp_path / "bundle", **options)  # type: ignore[arg-type]
    assert_untouched(tmp_path)


def test_a_loop_is_said_in_manifest_inspection_and_card(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(3, activation="mish", name="odd")])
    manifest = export(model, tmp_path / "bundle", formats=["onnx"])
    assert [(one.layer, one.form) for one in manifest.artifacts[0].recurrences] == [("odd", "keras loop")]
    shown = run("inspect", tmp_path / "bundle").stdout
    assert "the ONNX operators lack the activation mish" in shown
    assert "`odd` runs as a loop" in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_deep_network_states_its_tolerance(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)  # some draws grow rounding beyond what is allowed
    layers = [keras.layers.SimpleRNN(3, return_sequences=True) for _ in range(10)]
    model = keras.Sequential([keras.Input((100, 2)), *layers])
    parity = export(model, tmp_path / "bundle", formats=["onnx"]).artifacts[0].parity
    assert parity.atol == 1e-4
    assert parity.reason == "rounding passes through 10 recurrent layers of 100 steps each, one after the other"
    with pytest.raises(ParityError):
        export(model, tmp_path / "strict", formats=["onnx"], atol=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="directory permissions do not stop writing on Windows")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write in"):
        export(small(), tmp_path / "missing" / "bundle")


def test_force_never_removes_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="exists and is no bundle; force=True replaces bundles alone"):
        export(small(), tmp_path / "photos", force=True)
    assert (tmp_path / "photos" / "one.jpg").exists()


OWN = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2

def squashed(x):
    return x / (1 + keras.ops.abs(x))
"""


def test_layers_and_functions_of_ones_own_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    from deeprnn_export.reading.custom_objects import read_custom_objects

    objects = read_custom_objects(tmp_path / "own.py")
    layers = [objects["Doubled"](name="doubled"), keras.layers.GRU(3, activation=objects["squashed"])]
    keras.Sequential([keras.Input((5, 2)), *layers]).save(tmp_path / "own.keras")
    words = ["export", tmp_path / "own.keras", "-o", tmp_path / "bundle", "--format", "onnx"]
    without = run(*words)
    assert without.exit_code == 2
    assert "layer 'doubled' needs 'Doubled'" in without.stderr
    assert "--custom-objects FILE.py" in without.stderr
    done = run(*words, "--custom-objects", tmp_path / "own.py")
    assert done.exit_code == 0, done.output
    assert "keeps Keras's loop, slow but exact: the ONNX operators lack the activation squashed" in done.stderr


@pytest.mark.slow
def test_a_file_of_keras_2_becomes_a_bundle(tmp_path: Path) -> None:
    fixtures = FIXTURES / "legacy"
    with zipfile.ZipFile(fixtures / "keras-2.2.4.zip") as stored:
        stored.extract("gru.h5", tmp_path)
    done = run("export", tmp_path / "gru.h5", "-o", tmp_path / "bundle", "--format", "onnx", "--json")
    assert done.exit_code == 0, done.output
    assert {layer["form"] for layer in json.loads(done.stdout)["artifacts"][0]["recurrences"]} == {"native"}


def test_a_sample_that_is_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    small().save(tmp_path / "m.keras")
    (tmp_path / "s.npz").write_bytes(b"PK\x03\x04 and no more")
    result = run("export", tmp_path / "m.keras", "-o", tmp_path / "b", "--sample", tmp_path / "s.npz")
    assert result.exit_code == 2
    assert "s.npz as an .npz of arrays by input name: File is not a zip file" in result.stderr
    assert_untouched(tmp_path, "m.keras", "s.npz")
