"""What cannot be exported exactly: refused in one line that names the layer, with nothing written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.targets.tflite import converter
from tests.support.workshop import assert_untouched, run, small


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


@pytest.mark.one_in(4)
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
            r"'inner/odd' \(Odd\) computes with TensorFlow's MatrixDeterminant: .*Flex.*formats=\('onnx',\) alone",
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


def test_a_converter_crash_is_a_clean_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(converter, "PROGRAM", (sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(
        UnsupportedModelError,
        match=r"'small' in fp32: the TFLite converter crashed with SIGABRT; .*formats=\('onnx',\) alone",
    ):
        export(small(), tmp_path / "bundle", formats=["tflite"])
    assert_untouched(tmp_path)
