"""Read what is inside a model's file: its config, the Keras that wrote it, its weights."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from deeprnn_edge.errors import InputError
from deeprnn_edge.files import limits
from deeprnn_export.reading.hdf5 import open_hdf5

SUFFIXES = (".keras", ".h5", ".hdf5")
WEIGHTS = "model.weights.h5"
# Of the entries of a .keras archive, which a zip states before anything is unpacked. A config of a thousand layers
# takes a megabyte; weights are held in memory as a bundle's artifacts are.
# A model's own description may hold the words of a TextVectorization.
_CONFIG_BYTES = 16 * limits.MIB
_LARGEST = {"config.json": _CONFIG_BYTES, "metadata.json": limits.MIB, WEIGHTS: limits.ARTIFACT_BYTES}


@dataclass(frozen=True)
class StoredModel:
    """Hold a model's file, its weights unread.

    Attributes:
        version: of the Keras that wrote it, such as (2, 2, 4).
        of_tensorflow: whether that was TensorFlow's own Keras.
        archive: a zip of Keras 2.12 or later; else HDF5.
    """

    path: Path
    config: dict[str, Any]
    version: tuple[int, ...]
    of_tensorflow: bool
    backend: str
    archive: bool

    @property
    def legacy(self) -> bool:
        """Return whether an older Keras wrote it than the one that runs."""
        return self.version < (3,)

    @contextmanager
    def weights(self) -> Iterator[h5py.File]:
        """Open the HDF5 file that holds the weights."""
        content: Path | io.BytesIO = self.path
        if self.archive:
            with zipfile.ZipFile(self.path) as archive:
                content = io.BytesIO(archive.read(WEIGHTS))
        with open_hdf5(content) as file:
            yield file


def read_model_file(path: Path) -> StoredModel:
    """Read a file's config and version by what it holds, whatever its suffix.

    Raises:
        InputError: for a file that is missing, damaged, holds weights only, or is no model of Keras 2 or 3.
    """
    if not path.is_file():
        raise InputError(f"no such model file: {path}")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} is no Keras model; expected a .keras or .h5 file, saved with model.save(...)")
    # Keras 2.0 to 2.12 wrote HDF5 under the name .keras as well.
    if h5py.is_hdf5(path):
        return _read_h5(path)
    if zipfile.is_zipfile(path):
        return _read_archive(path)
    kind = "zip archive" if path.suffix == ".keras" else "HDF5 file"
    raise InputError(
        f"{path} is no {kind}, as a {path.suffix} file is: it is damaged, or only a part of it was copied; "
        "save or copy it again"
    )


def _read_h5(path: Path) -> StoredModel:
    try:
        with h5py.File(path, "r") as file:
            attributes = {name: _text(file.attrs[name]) for name in file.attrs if name != "training_config"}
            groups = [*file, *(name for name in file.attrs if name == "layer_names0")]
    except OSError as error:
        raise InputError(
            f"{path} is damaged: HDF5 cannot open it ({_one_line(error)}); copy or save it again"
        ) from error
    config = attributes.get("model_config")
    if config is None:
        if {"layer_names", "layer_names0"} & {*attributes, *groups} or {"layers", "_layer_checkpoint_dependencies"} & {
            *groups
        }:
            raise InputError(
                f"{path} holds weights only, without the model that they belong to; build the model in Python, "
                "load them with model.load_weights(...), and save it with model.save(...)"
            )
        raise InputError(f"{path} is HDF5, but no model of Keras: it has no model_config; save it with model.save(...)")
    version, of_tensorflow = _version(path, attributes.get("keras_version"))
    backend = attributes.get("backend", "tensorflow")
    return StoredModel(path, _config(path, config), version, of_tensorflow, backend, archive=False)


def _read_archive(path: Path) -> StoredModel:
    try:
        with zipfile.ZipFile(path) as archive:
            for name, largest in _LARGEST.items():
                size_bytes = archive.getinfo(name).file_size
                if size_bytes > largest:
                    raise InputError(
                        f"{path} states {size_bytes:,} bytes for its {name}, and {largest:,} are the most; "
                        "it is damaged or made up: copy or save it again"
                    )
            config, metadata = archive.read("config.json"), archive.read("metadata.json")
            damaged = archive.testzip()
    except KeyError as error:
        raise InputError(f"{path} is a zip archive, but no model of Keras: {_one_line(error)}") from error
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise InputError(f"{path} is damaged: {_one_line(error)}; copy or save it again") from error
    if damaged is not None:
        raise InputError(f"{path} is damaged: its checksum of {damaged} is wrong; copy or save it again")
    version, of_tensorflow = _version(path, _config(path, metadata).get("keras_version"))
    stored = StoredModel(path, _config(path, config), version, of_tensorflow, "tensorflow", archive=True)
    if path.suffix != ".keras" and not stored.legacy:
        raise InputError(
            f"{path} is a .keras archive under another name; rename it to {path.with_suffix('.keras').name}"
        )
    return stored


def _version(path: Path, text: Any) -> tuple[tuple[int, ...], bool]:
    """Read the version: 2.0 to 2.3 may be Keras itself, or TensorFlow's, which writes ``2.2.4-tf``, as later ones are.

    Raises:
        InputError: for Keras 1, and for no version, which Keras 1 writes too.
    """
    numbers = tuple(int(number) for number in re.findall(r"\d{1,9}", str(text or ""))[:3])
    if numbers < (2,):
        raise InputError(
            f"{path} was written by Keras {text or '1'}; expected Keras 2 or 3: load it with Keras 2.0 to 2.2 "
            "and save it again"
        )
    return numbers, "-tf" in str(text) or numbers >= (2, 4)


def _config(path: Path, content: str | bytes) -> dict[str, Any]:
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: its config is no JSON ({_one_line(error)})") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is damaged: its config is a {type(config).__name__}; expected an object")
    return config


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
