"""Files of this Keras, bad files, and the user's own classes: each one clear line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.reading.custom_objects import read_custom_objects
from deeprnn_export.reading.load import load_model
from tests.support.keras_models import randomised

OWN = """
import keras


class Tripled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 3


@keras.saving.register_keras_serializable("mine", "quarter")
def quartered(x):
    return x / 4


class Helper:
    pass
"""


@pytest.fixture(autouse=True)
def _unregistered() -> Any:
    """What a test registers, gone after it."""
    before = dict(keras.saving.get_custom_objects())
    yield
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(before)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def lstm() -> keras.Model:
    return randomised(keras.Sequential([keras.Input((4, 2)), keras.layers.LSTM(3), keras.layers.Dense(1)]))


def saved(model: keras.Model, path: Path) -> Path:
    if path.suffix == ".h5":
        # Keras 3 writes HDF5 by the same function that warns of it as a legacy format.
        from keras.src.legacy.saving.legacy_h5_format import save_model_to_hdf5

        save_model_to_hdf5(model, str(path), include_optimizer=False)
    else:
        model.save(path)
    return path


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_model(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_this_keras(tmp_path: Path, suffix: str) -> None:
    model = lstm()
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype(np.float32)
    loaded = load_model(saved(model, tmp_path / f"model{suffix}"))
    np.testing.assert_array_equal(loaded(x), model(x))


def test_no_file_and_no_model(tmp_path: Path) -> None:
    assert "no such model file" in refusal(tmp_path / "absent.keras")
    (tmp_path / "model.pt").write_bytes(b"x")
    assert "expected a .keras or .h5 file" in refusal(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("suffix", "size", "expected"),
    [
        (".keras", 0, "is no zip archive"),
        (".keras", 1000, "is no zip archive"),
        (".h5", 0, "is no HDF5 file"),
        (".h5", 1000, "is damaged: HDF5 cannot open it"),
    ],
)
def test_a_part_of_a_file(tmp_path: Path, suffix: str, size: int, expected: str) -> None:
    path = saved(lstm(), tmp_path / f"model{suffix}")
    path.write_bytes(path.read_bytes()[:size])
    assert expected in refusal(path)


def test_text_under_a_models_name(tmp_path: Path) -> None:
    for suffix, expected in ((".keras", "is no zip archive"), (".h5", "is no HDF5 file"), (".hdf5", "is no HDF5 file")):
        path = tmp_path / f"model{suffix}"
        path.write_text("no model at all\n" * 100)
        assert expected in refusal(path)


def test_a_flipped_byte(tmp_path: Path) -> None:
    path = saved(lstm(), tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset + 200
    content = bytearray(path.read_bytes())
    content[start] ^= 0xFF
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


def test_a_zip_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "is a zip archive, but no model of Keras" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.writestr(name, "{")
    assert "its config is no JSON" in refusal(path)


def test_a_config_that_is_no_model(tmp_path: Path) -> None:
    for version in ("2.15.0", "3.9.0"):
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": version}))
            archive.writestr("config.json", json.dumps({"layers": [1, 2]}))
            archive.writestr("model.weights.h5", b"")
        refusal(path)


def test_weights_alone(tmp_path: Path) -> None:
    lstm().save_weights(tmp_path / "model.weights.h5")
    message = refusal(tmp_path / "model.weights.h5")
    assert "holds weights only" in message
    assert "model.load_weights(...)" in message
    with h5py.File(tmp_path / "old.h5", "w") as file:  # as Keras 2's save_weights
        file.attrs["layer_names"] = [b"lstm"]
    assert "holds weights only" in refusal(tmp_path / "old.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = [1, 2]
    assert "is HDF5, but no model of Keras" in refusal(tmp_path / "other.h5")


def test_an_archive_under_another_name(tmp_path: Path) -> None:
    path = saved(lstm(), tmp_path / "model.keras").rename(tmp_path / "model.h5")
    assert "rename it to model.keras" in refusal(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_class_that_nobody_registered(tmp_path: Path, own: Path, suffix: str) -> None:
    objects = read_custom_objects(own)
    model = keras.Sequential([keras.Input((4, 2)), objects["Tripled"](name="triple"), keras.layers.GRU(2)])
    path = saved(model, tmp_path / f"model{suffix}")
    message = refusal(path)
    assert "layer 'triple' needs 'Tripled'" in message
    assert "custom_objects=" in message
    x = np.ones((1, 4, 2), np.float32)
    np.testing.assert_array_equal(load_model(path, custom_objects=objects)(x), model(x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_activation_that_nobody_registered(tmp_path: Path, suffix: str) -> None:
    def halved(x: Any) -> Any:
        return x / 2

    model = keras.Sequential([keras.Input((4, 2)), keras.layers.LSTM(2, activation=halved, name="slow")])
    path = saved(model, tmp_path / f"model{suffix}")
    message = refusal(path)
    assert "layer 'slow' needs 'halved'" in message
    x = np.ones((1, 4, 2), np.float32)
    np.testing.assert_array_equal(load_model(path, custom_objects={"halved": halved})(x), model(x))


def test_a_lambda_is_run_only_when_allowed(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 2)), keras.layers.Lambda(lambda x: x * 2), keras.layers.LSTM(2)])
    path = saved(model, tmp_path / "model.keras")
    with pytest.raises(UnsupportedModelError, match="allow_lambda=True"):
        load_model(path)
    x = np.ones((1, 4, 2), np.float32)
    np.testing.assert_array_equal(load_model(path, allow_lambda=True)(x), model(x))


def test_a_file_of_custom_objects(own: Path) -> None:
    objects = read_custom_objects(own)
    assert set(objects) == {"Tripled", "quartered", "mine>quarter"}
    assert objects["mine>quarter"] is objects["quartered"]


def test_a_file_of_custom_objects_may_import_its_neighbours(tmp_path: Path, own: Path) -> None:
    (tmp_path / "main.py").write_text("from own import Tripled\nclass Ninefold(Tripled): pass\n")
    assert "Ninefold" in read_custom_objects(tmp_path / "main.py")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no such file of custom objects"),
        ("x = 1\n", "defines no Keras layer and no function"),
        ("class :", "fails: SyntaxError"),
        ("import nothing_of_this_name", "fails: ModuleNotFoundError"),
        ("raise SystemExit(3)", "fails: SystemExit"),
    ],
)
def test_bad_files_of_custom_objects(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "bad.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=expected) as caught:
        read_custom_objects(path)
    assert "\n" not in str(caught.value)
