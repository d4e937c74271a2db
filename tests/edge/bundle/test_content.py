"""A bundle from a stranger: names, links and sizes, in a directory and in a zip."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST, open_bundle
from deeprnn_edge.bundle.content import check_name, has_file, read_file
from deeprnn_edge.bundle.vocabulary import VOCABULARY
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits
from deeprnn_edge.files.zip_writer import zip_files
from tests.support.fuzz_targets import opened_files

LEADING_OUT = [
    "", ".", "..", "../outside", "a/../../outside", "/etc/hostname", "//host/share", "a\\b", "..\\outside", "C:x",
    "C:\\x", "model.onnx\0.txt", "\0", "a/b", "./model.onnx", "a\nb", "\x1b[2J", "\ud800",
]  # fmt: skip


@pytest.fixture
def copy(stream_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream_bundle, tmp_path / "bundle"))


def pack(bundle: Path, **files: bytes) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in bundle.iterdir()} | files


@pytest.mark.parametrize("name", LEADING_OUT)
def test_a_name_that_could_lead_out_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match=r"not inside the bundle: expected a plain name such as golden\.npz") as error:
        check_name(name)
    assert "\n" not in str(error.value)
    str(error.value).encode("utf-8")


@pytest.mark.parametrize("name", ["model.onnx", "model.int8.onnx", "größe 2.tflite", "...", "a..b", "x" * 255])
def test_a_plain_name_is_taken(name: str) -> None:
    assert check_name(name) == name


def test_a_name_longer_than_file_systems_take() -> None:
    with pytest.raises(BundleError, match="longer than any file system takes") as error:
        check_name("é" * 200)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("packed", [False, True], ids=["directory", "zip"])
@pytest.mark.parametrize("field", ["artifact", "vocabulary"])
@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "model.onnx\0", "C:x"])
def test_a_manifest_that_names_such_a_file(copy: Path, tmp_path: Path, name: str, field: str, packed: bool) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    raw = json.loads((copy / MANIFEST).read_text())
    target = raw["artifacts"][0] if field == "artifact" else raw["preprocessing"]
    target["path" if field == "artifact" else "vocabulary"] = name
    (copy / MANIFEST).write_text(json.dumps(raw))
    path = copy
    if packed:
        path = tmp_path / "bundle.zip"
        path.write_bytes(zip_files(pack(copy)))
    with opened_files() as opened, pytest.raises(BundleError, match="not inside the bundle"):
        deeprnn_edge.load(path)
    assert {file for file in opened if file.suffix not in (".py", ".pyc")} == {path / MANIFEST if not packed else path}


@pytest.mark.parametrize("name", [MANIFEST, VOCABULARY, GOLDEN, "model.onnx"])
def test_a_link_that_leads_out_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).rename(tmp_path / "outside")
    (copy / name).symlink_to(tmp_path / "outside")
    with opened_files() as opened, pytest.raises(BundleError, match="symbolic link that leads out of the bundle"):
        deeprnn_edge.verify(copy, artifact="model.onnx") if name == GOLDEN else deeprnn_edge.load(copy)
    assert copy / name not in opened
    assert tmp_path / "outside" not in opened


def test_a_link_to_a_file_of_the_bundle_is_read(copy: Path, stream_bundle: Path) -> None:
    (copy / VOCABULARY).rename(copy / "words.txt")
    (copy / VOCABULARY).symlink_to("words.txt")
    assert open_bundle(copy).vocabulary() == open_bundle(stream_bundle).vocabulary()


def test_the_bundle_itself_may_be_a_link(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(copy)
    assert deeprnn_edge.load(tmp_path / "link").predict(["dull"]).shape == (1, 1)


def test_a_link_to_itself_is_an_error(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    (copy / "model.onnx").symlink_to("model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        deeprnn_edge.load(copy)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    os.mkfifo(copy / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx is no regular file"):
        deeprnn_edge.load(copy)
    with pytest.raises(BundleError, match="neither a bundle's directory nor its zip"):
        deeprnn_edge.load(copy / "model.onnx")


def test_a_path_with_a_nul(copy: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        deeprnn_edge.load(f"{copy}\0")


@pytest.mark.parametrize("packed", [False, True], ids=["directory", "zip"])
def test_a_size_is_held_against_its_limit_before_a_byte_is_read(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    path = copy
    if packed:
        path = tmp_path / "bundle.zip"
        path.write_bytes(zip_files(pack(copy)))
    opened = open_bundle(path)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    monkeypatch.setattr(Path, "open", None if not packed else Path.open)
    size = (copy / "model.onnx").stat().st_size
    with pytest.raises(BundleError, match=f"has {size:,} bytes, and {size - 1:,} are the most"):
        read_file(path, "model.onnx", largest_bytes=size - 1)
    with pytest.raises(BundleError, match=f"has {size} bytes, the manifest says {size + 1}; .* truncated"):
        read_file(path, "model.onnx", largest_bytes=size + 1, exact=True)
    for name, limit in ((MANIFEST, "MANIFEST_BYTES"), (VOCABULARY, "VOCABULARY_BYTES"), (GOLDEN, "GOLDEN_BYTES")):
        with monkeypatch.context() as patch:
            patch.setattr(limits, limit, 10)
            with pytest.raises(BundleError, match=f"{name} has .* bytes, and 10 are the most"):
                open_bundle(path) if name == MANIFEST else opened.read(name)


def test_limits_leave_real_use_alone() -> None:
    assert limits.VOCABULARY_WORDS >= 1_000_000
    assert limits.VOCABULARY_BYTES >= 1_000_000 * 40
    assert limits.ARTIFACT_BYTES > 1_000_000_000


def test_a_vocabulary_of_a_million_words(copy: Path) -> None:
    (copy / VOCABULARY).write_text("".join(f"word{rank}\n" for rank in range(1_000_000)), encoding="utf-8")
    assert len(open_bundle(copy).vocabulary()) == 1_000_000


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_more_words_than_a_device_holds(copy: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(limits, "VOCABULARY_WORDS", 10)
    (copy / VOCABULARY).write_text(end * 10, encoding="utf-8", newline="")
    assert len(open_bundle(copy).vocabulary()) == 10
    (copy / VOCABULARY).write_text(end * 11, encoding="utf-8", newline="")
    with pytest.raises(BundleError, match=r"has 11 lines, and 10 are the most; .*--keep-words"):
        open_bundle(copy).vocabulary()


@pytest.mark.parametrize("name", [MANIFEST, VOCABULARY])
def test_text_that_is_not_utf8(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match=f"{name} is not UTF-8 text"):
        deeprnn_edge.load(copy)


def test_a_file_that_grows_while_it_is_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.open

    def grown(path: Path, *arguments: Any, **options: Any) -> Any:
        return (
            io.BytesIO(path.read_bytes() + b"more") if arguments == ("rb",) and options else original(path, *arguments)
        )

    monkeypatch.setattr(Path, "open", grown)
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"x" * path.stat().st_size)
    with pytest.raises(BundleError, match="changed while it was read"):
        read_file(copy, VOCABULARY, largest_bytes=1_000)


def test_what_is_there(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(zip_files(pack(copy)))
    for path in (copy, tmp_path / "bundle.zip"):
        assert has_file(path, GOLDEN)
        assert not has_file(path, "another")
