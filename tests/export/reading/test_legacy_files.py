"""Files of Keras 2 compute here what they computed there: the fixtures hold what the old Keras itself answered."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.reading.keras2.activations import keras2_hard_sigmoid
from deeprnn_export.reading.load import load_model
from tests.support.paths import FIXTURES

LEGACY = FIXTURES / "legacy"
FILES = [
    (archive.stem, name)
    for archive in sorted(LEGACY.glob("*.zip"))
    for name in zipfile.ZipFile(archive).namelist()
    if not name.endswith(".npz")
]
REFUSED = ("time_major", "op_layer", "lambda_layer")
# Both sides compute in float32, in sums of another order; the answers are of the size of 1.
TOLERANCE = 1e-5


class Scale(keras.layers.Layer):
    """The twin of the class that the fixture ``custom`` was made with: ``tests/fixtures/make_legacy.py``."""

    def __init__(self, factor: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def build(self, shape: tuple[int, ...]) -> None:
        self.offset = self.add_weight(name="offset", shape=(shape[-1],))

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor + self.offset


def halved(x: Any) -> Any:
    return x * 0.5


OWN = {"Scale": Scale, "halved": halved}


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[[str, str], Path]:
    """A model's file beside the reference of its name."""

    def unpack(tag: str, name: str) -> Path:
        with zipfile.ZipFile(LEGACY / f"{tag}.zip") as archive:
            archive.extract(name, tmp_path)
            reference = "simple_rnn" if name == "hdf5_inside.keras" else Path(name).stem
            (tmp_path / Path(name).stem).with_suffix(".npz").write_bytes(archive.read(f"{reference}.npz"))
        return tmp_path / name

    return unpack


def assert_same_answers(model: keras.Model, path: Path) -> None:
    stored = np.load(path.with_suffix(".npz"))
    inputs = [stored[name] for name in stored if name.startswith("x")]
    outputs = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    expected = [stored[name] for name in stored if name.startswith("y")]
    for output, values in zip(outputs, expected, strict=True):
        assert np.ptp(values) > 100 * TOLERANCE, "a reference that is constant shows nothing"
        np.testing.assert_allclose(output, values, rtol=0, atol=TOLERANCE)


def edited(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """An HDF5 file with each layer's config changed, in place."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layers = config["config"] if isinstance(config["config"], list) else config["config"]["layers"]
        for layer in layers:
            change(layer["config"])
        file.attrs["model_config"] = json.dumps(config).encode()
    return path


def refusal(path: Path, **options: Any) -> str:
    """The one line that says why a file is refused."""
    with pytest.raises(InputError) as caught:
        load_model(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


@pytest.mark.one_in(8)
@pytest.mark.parametrize(("tag", "name"), [(tag, name) for tag, name in FILES if not name.startswith(REFUSED)])
def test_answers_of_the_old_keras(unpacked: Callable[[str, str], Path], tag: str, name: str) -> None:
    path = unpacked(tag, name)
    assert_same_answers(load_model(path, custom_objects=OWN), path)


@pytest.mark.parametrize(("tag", "name"), [(tag, name) for tag, name in FILES if name.startswith(REFUSED)])
def test_refused_by_name(unpacked: Callable[[str, str], Path], tag: str, name: str) -> None:
    message = refusal(unpacked(tag, name), custom_objects=OWN)
    assert {
        "time_major": "layer 'rnn' (RNN) has time_major=True",
        "op_layer": "layer 'Mul' is a TensorFlowOpLayer" if tag == "tf-2.3" else "'tf.math.multiply' is a TFOpLambda",
        "lambda_layer": "is a Lambda that carries Python code",
    }[Path(name).stem] in message


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the code in the file was compiled by Python 3.11")
@pytest.mark.parametrize(("tag", "suffix"), [("tf-2.12", ".keras"), ("tf-2.15", ".h5"), ("tf-keras", ".keras")])
def test_lambda_of_this_python(unpacked: Callable[[str, str], Path], tag: str, suffix: str) -> None:
    path = unpacked(tag, f"lambda_layer{suffix}")
    assert_same_answers(load_model(path, allow_lambda=True), path)


@pytest.mark.parametrize("tag", ["keras-2.2.4", "tf-2.3"])
def test_lambda_of_another_python(unpacked: Callable[[str, str], Path], tag: str) -> None:
    message = refusal(unpacked(tag, "lambda_layer.h5"), allow_lambda=True)
    assert "compiled by another version of Python" in message


@pytest.mark.parametrize(("tag", "suffix"), [("keras-2.0.8", ".h5"), ("tf-2.12", ".keras"), ("tf-2.15", ".keras")])
def test_custom_objects_are_asked_for(unpacked: Callable[[str, str], Path], tag: str, suffix: str) -> None:
    path = unpacked(tag, f"custom{suffix}")
    message = refusal(path)
    assert "layer 'scale' is of the class 'Scale'" in message
    assert "custom_objects=" in message
    message = refusal(path, custom_objects={"Scale": Scale})
    assert "uses the activation 'halved'" in message
    assert "custom_objects=" in message


def test_hard_sigmoid_keeps_its_slope(unpacked: Callable[[str, str], Path]) -> None:
    model = load_model(unpacked("keras-2.2.4", "lstm.h5"))
    assert model.layers[1].cell.recurrent_activation is keras2_hard_sigmoid
    x = np.array([-3.0, -2.5, -1.0, 0.0, 1.0, 2.5, 3.0], np.float32)
    np.testing.assert_allclose(keras2_hard_sigmoid(x), [0, 0, 0.3, 0.5, 0.7, 1, 1], rtol=0, atol=1e-6)


def test_what_very_old_files_leave_unsaid(unpacked: Callable[[str, str], Path]) -> None:
    """Before Keras 2.1.5 a GRU has no ``reset_after``; without a gate's activation, it is the default of that time."""
    path = unpacked("keras-2.0.8", "gru.h5")

    def change(config: dict[str, Any]) -> None:
        assert "reset_after" not in config
        config.pop("recurrent_activation", None)

    assert_same_answers(load_model(edited(path, change)), path)


@pytest.mark.parametrize("kind", ["Policy", "PolicyV1"])
def test_dtype_policies(unpacked: Callable[[str, str], Path], kind: str) -> None:
    path = unpacked("tf-2.15", "stateful.h5")
    policy = {"class_name": kind, "config": {"name": "float32"}}
    assert_same_answers(load_model(edited(path, lambda config: config.update(dtype=policy))), path)


def test_zeros_at_masked_steps_may_be_asked_for(unpacked: Callable[[str, str], Path]) -> None:
    path = edited(unpacked("tf-2.3", "gru.h5"), lambda config: config.update(zero_output_for_mask=True))
    message = refusal(path)  # of the layers that cannot have it, Masking is the first
    assert "'masking' (Masking) has zero_output_for_mask=True" in message


def test_the_names_of_inputs_and_outputs_stay(unpacked: Callable[[str, str], Path]) -> None:
    model = load_model(unpacked("keras-2.0.8", "functional.h5"))
    assert [tensor.name for tensor in model.inputs] == ["words", "values"]
    assert [tensor._keras_history.operation.name for tensor in model.outputs] == ["scores", "total"]
    assert load_model(unpacked("keras-2.2.4", "lstm.h5")).inputs[0].name == "embedding_1_input"


def test_weights_that_do_not_fit_are_refused(unpacked: Callable[[str, str], Path], tmp_path: Path) -> None:
    path = unpacked("tf-2.15", "lstm.h5")
    smaller = edited(Path(shutil.copy(path, tmp_path / "units.h5")), lambda c: c.update(units=2) if "units" in c else 0)
    assert "layer 'lstm' (LSTM): expected weights of the shapes [(3, 8), (2, 8), (8,)]" in refusal(smaller)

    swapped = Path(shutil.copy(path, tmp_path / "swapped.h5"))
    with h5py.File(swapped, "r+") as file:
        group = file["model_weights/lstm"]
        for name in ("kernel:0", "recurrent_kernel:0", "bias:0"):
            group.move(f"lstm/lstm_cell/{name}", f"other/{name}")
        group.attrs["weight_names"] = [b"other/recurrent_kernel:0", b"other/kernel:0", b"other/bias:0"]
    assert "layer 'lstm': expected 'sequential/lstm/lstm_cell/kernel', the file has 'other/rec" in refusal(swapped)

    missing = Path(shutil.copy(path, tmp_path / "missing.h5"))
    with h5py.File(missing, "r+") as file:
        del file["model_weights/lstm"]
    assert "no group 'lstm'" in refusal(missing)

    fewer = Path(shutil.copy(path, tmp_path / "fewer.h5"))
    with h5py.File(fewer, "r+") as file:
        names = file["model_weights"].attrs["layer_names"]
        file["model_weights"].attrs["layer_names"] = [name for name in names if name not in ("lstm", b"lstm")]
    assert "no weights for sequential/lstm/" in refusal(fewer)


def test_names_tell_weights_apart_in_any_order(unpacked: Callable[[str, str], Path]) -> None:
    path = unpacked("tf-2.15", "lstm.h5")
    with h5py.File(path, "r+") as file:
        names = file["model_weights/lstm"].attrs["weight_names"]
        file["model_weights/lstm"].attrs["weight_names"] = names[[1, 0, 2]]
    assert_same_answers(load_model(path), path)


def test_weights_of_an_archive_are_complete(unpacked: Callable[[str, str], Path]) -> None:
    path = unpacked("tf-2.15", "lstm.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path.with_name("model.weights.h5").write_bytes(members["model.weights.h5"])
    with h5py.File(path.with_name("model.weights.h5"), "r+") as file:
        del file["layers/lstm_1"]
    members["model.weights.h5"] = path.with_name("model.weights.h5").read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "no weights for the layer 'lstm_1' (LSTM)" in refusal(path)


@pytest.mark.parametrize("version", [None, "1.2.2"])
def test_keras_1_is_refused(unpacked: Callable[[str, str], Path], version: str | None) -> None:
    path = unpacked("keras-2.0.8", "gru.h5")
    with h5py.File(path, "r+") as file:
        del file.attrs["keras_version"]
        if version:
            file.attrs["keras_version"] = version
    assert "was written by Keras 1" in refusal(path)


def test_a_removed_layer_is_named(unpacked: Callable[[str, str], Path]) -> None:
    path = unpacked("tf-2.15", "lstm.h5")
    with h5py.File(path, "r+") as file:
        config = file.attrs["model_config"].replace('"class_name": "Activation"', '"class_name": "ThresholdedReLU"')
        file.attrs["model_config"] = config
    with pytest.raises(UnsupportedModelError, match="layer 'activation' is of the class 'ThresholdedReLU'"):
        load_model(path)
