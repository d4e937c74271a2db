"""HDF5 files that lead elsewhere, or claim more than they hold, are refused by the name of the entry."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError
from deeprnn_export.reading.hdf5 import open_hdf5
from deeprnn_export.reading.load import load_model

Change = Callable[[h5py.Group, str, Path], None]


def external_storage(group: h5py.Group, name: str, other: Path) -> None:
    other.write_bytes(np.arange(100, dtype="<f4").tobytes())
    group.create_dataset(name, (4, 3), "<f4", external=[(str(other), 0, 48)])


def external_link(group: h5py.Group, name: str, other: Path) -> None:
    with h5py.File(other, "w") as file:
        file["w"] = np.full((4, 3), 42.5, "f4")
    group[name] = h5py.ExternalLink(str(other), "w")


def virtual(group: h5py.Group, name: str, other: Path) -> None:
    external_link(group, f"{name}_made", other)
    del group[f"{name}_made"]
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(str(other), "w", (4, 3))
    group.create_virtual_dataset(name, layout)


def unfilled(group: h5py.Group, name: str, other: Path) -> None:
    group.create_dataset(name, (4, 3_000_000_000), "f4", chunks=(4, 1000), compression="gzip")


def soft_link(group: h5py.Group, name: str, other: Path) -> None:
    group[name] = h5py.SoftLink(f"{group.name}/{name}")


CHANGES: dict[Change, str] = {
    external_storage: "takes its bytes from another file",
    external_link: "leads to another file",
    virtual: "is put together from other files",
    unfilled: "claims 48,000,000,000 bytes",
    soft_link: "leads to another place",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.SimpleRNN(3, name="rnn")], name="small")
    model.save(folder / "small.keras")
    model.save(folder / "small.h5")
    return folder


def kernel(file: h5py.File) -> str:
    found: list[str] = []
    file.visititems(lambda name, one: found.append(name) if getattr(one, "shape", None) == (4, 3) else None)
    return found[0]


def replace_kernel(path: Path | io.BytesIO, change: Change, other: Path) -> None:
    with h5py.File(path, "r+") as file:
        name = kernel(file)
        del file[name]
        change(file, name, other)


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", ["Keras 2 h5", "Keras 3 h5", "keras archive"])
def test_an_entry_that_leads_elsewhere_is_refused_by_its_name(
    saved: Path, tmp_path: Path, change: Change, kind: str
) -> None:
    path = tmp_path / ("m.keras" if kind == "keras archive" else "m.h5")
    if kind == "keras archive":
        with zipfile.ZipFile(saved / "small.keras") as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        content = io.BytesIO(files["model.weights.h5"])
        replace_kernel(content, change, tmp_path / "other")
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in (files | {"model.weights.h5": content.getvalue()}).items():
                archive.writestr(name, value)
    else:
        path.write_bytes((saved / "small.h5").read_bytes())
        replace_kernel(path, change, tmp_path / "other")
        if kind == "Keras 2 h5":
            with h5py.File(path, "r+") as file:
                file.attrs["keras_version"] = "2.15.0"
    with pytest.raises(InputError, match=CHANGES[change]) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_what_keras_writes_and_a_repacked_file_are_read(saved: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "packed.h5", "w") as file:
        file.create_dataset("zeros", data=np.zeros((500, 500)), compression="gzip", chunks=(500, 500))
        file["again"] = file["zeros"]  # a hard link
        file["circle"] = file["/"]
    for path in (saved / "small.h5", tmp_path / "packed.h5"):
        with open_hdf5(path) as opened:
            assert list(opened)


@pytest.mark.parametrize("units", [200_000, 2**40])
def test_a_layer_larger_than_the_weights_is_refused_before_it_is_made(saved: Path, tmp_path: Path, units: int) -> None:
    with zipfile.ZipFile(saved / "small.keras") as archive, zipfile.ZipFile(tmp_path / "m.keras", "w") as changed:
        for name in archive.namelist():
            value = archive.read(name)
            changed.writestr(name, value.replace(b'"units": 3', f'"units": {units}'.encode()))
    with pytest.raises(InputError, match=f"the layer 'rnn' .SimpleRNN. has the size {units}, and the file holds 24"):
        load_model(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("config.json", b" " * (17 << 20), "states 17,825,792 bytes for its config.json, and 16,777,216 are the most"),
        ("config.json", b"[" * 200_000, "its config is no JSON"),
        ("metadata.json", json.dumps({"keras_version": "9" * 5000}).encode(), None),
        ("model.weights.h5", b"no HDF5", "HDF5 cannot read it"),
    ],
)
def test_an_archive_that_cannot_be(
    saved: Path, tmp_path: Path, name: str, content: bytes, expected: str | None
) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(saved / "small.keras") as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as changed:
        for one in archive.namelist():
            changed.writestr(one, content if one == name else archive.read(one))
    if expected is None:
        assert load_model(path).name == "small"
        return
    with pytest.raises(InputError, match=expected):
        load_model(path)
