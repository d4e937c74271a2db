"""Zips that lie: links, doubled names, sizes that are not so, and more than fits."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits
from deeprnn_edge.files import zip_reader as zip_reading
from deeprnn_edge.files.zip_reader import CheckedZip
from tests.support.mutations import write_zip

CONTENT = b"0123456789" * 100
# Offsets in an entry of the directory: PKWARE's APPNOTE.TXT, 4.3.12
FLAGS, METHOD, PACKED_SIZE, SIZE, ATTRIBUTES = (8, "<H"), (10, "<H"), (20, "<I"), (24, "<I"), (38, "<I")


def opened(content: bytes) -> CheckedZip:
    return CheckedZip(io.BytesIO(content), "some.zip", lambda name: name)


def patched(content: bytes, *changes: tuple[tuple[int, str], int]) -> bytes:
    """A zip of one entry with fields of its directory changed."""
    changed = bytearray(content)
    start = content.rindex(b"PK\1\2")
    for (offset, kind), value in changes:
        struct.pack_into(kind, changed, start + offset, value)
    return bytes(changed)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_it_reads_what_zipfile_reads(method: int) -> None:
    content = write_zip([("a", CONTENT), ("b/c", b""), ("größe", b"x")], method)
    with opened(content) as archive, zipfile.ZipFile(io.BytesIO(content)) as oracle:
        assert archive.names == oracle.namelist()
        for name in archive.names:
            assert archive.read(name) == oracle.read(name)
            assert archive.size_bytes(name) == oracle.getinfo(name).file_size


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no readable zip: File is not a zip file"),
        (b"PK\3\4 and no more", "no readable zip: File is not a zip file"),
        (b"%PDF-1.7" + write_zip([("a", b"1")]), "no readable zip: File is not a zip file"),
        (write_zip([]), "no readable zip: File is not a zip file"),
        (write_zip([("a", b"1"), ("b", b"2"), ("a", b"3")]), "holds 'a' twice"),
        (patched(write_zip([("a", b"1")]), (ATTRIBUTES, 0o120777 << 16)), "the entry 'a' is a link"),
        (patched(write_zip([("a", b"1")]), (ATTRIBUTES, 0o040755 << 16)), "the entry 'a' is no file"),
        (patched(write_zip([("a", b"1")]), (FLAGS, 1)), "the entry 'a' is encrypted"),
        (write_zip([("a", CONTENT)], zipfile.ZIP_BZIP2), "packed by the method 12, not deflated"),
        (write_zip([("a", CONTENT)], zipfile.ZIP_LZMA), "packed by the method 14, not deflated"),
        (patched(write_zip([("a", b"1")]), (METHOD, 99)), "packed by the method 99, not deflated"),
    ],
)
def test_refused_when_it_is_opened(content: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=rf"^some\.zip.*{message}; .*again"):
        opened(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: patched(content, (SIZE, len(CONTENT) - 1)),
        lambda content: patched(content, (SIZE, len(CONTENT) + 1)),
        lambda content: patched(content, (SIZE, 1 << 30)),
        lambda content: patched(content, (PACKED_SIZE, 3)),
        lambda content: patched(content, (PACKED_SIZE, 1 << 31), (SIZE, 1 << 31)),
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    ],
    ids=["less", "one more", "a GB", "cut", "both 2 GB", "altered"],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_sizes_that_are_not_so(method: int, change: Callable[[bytes], bytes]) -> None:
    content = write_zip([("a", CONTENT)], method)
    changed = change(content)
    tracemalloc.start()
    try:
        with opened(changed) as archive, pytest.raises(BundleError, match=r"some\.zip: 'a' (cannot be|unpacks to)"):
            archive.read("a")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_no_more_is_unpacked_than_the_directory_states() -> None:
    bomb = patched(write_zip([("a", bytes(50_000_000))]), (SIZE, 1_000))
    tracemalloc.start()
    try:
        with opened(bomb) as archive, pytest.raises(BundleError):
            archive.read("a")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_directory_larger_than_any_bundle_has(monkeypatch: pytest.MonkeyPatch) -> None:
    content = write_zip([(f"{number:04}", b"") for number in range(100)])
    monkeypatch.setattr(zip_reading, "ZIP_ENTRIES", 99)
    with pytest.raises(BundleError, match="has 100 entries, and 99 are the most"):
        opened(content)
    monkeypatch.setattr(zip_reading, "ZIP_DIRECTORY_BYTES", 4_999)
    with pytest.raises(BundleError, match="its directory has 5,000 bytes, and 4,999 are the most"):
        opened(content)


def test_a_message_holds_none_of_the_file() -> None:
    """zipfile's message on a name's length has as much of the file as the header says, which may be 64 kB."""
    content = bytearray(write_zip([("a", bytes(range(256)) * 200)], zipfile.ZIP_STORED))
    struct.pack_into("<H", content, 26, 60_000)  # the name's length in the entry's own header
    with opened(bytes(content)) as archive, pytest.raises(BundleError) as error:
        archive.read("a")
    assert len(str(error.value)) < 400


def test_limits_are_above_what_an_export_writes() -> None:
    assert limits.ZIP_DIRECTORY_BYTES // limits.ZIP_ENTRIES > 46 + 255
