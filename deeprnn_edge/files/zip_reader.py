"""Read a zip from a stranger, in memory: a bundle's own, and the npz of its golden vectors.

What its directory states is checked before anything is unpacked, and no more is unpacked than it stated.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import IO, cast

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.limits import ZIP_DIRECTORY_BYTES, ZIP_ENTRIES

# The two methods that unpack no further than they are asked to; bzip2 and LZMA in zipfile unpack a chunk whole.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REMAKE = "pack it again with: deeprnn-edge pack BUNDLE -o OUTPUT.zip"
_LONGEST_REASON = 200  # characters
_START = b"PK\3\4"
_ENCRYPTED = 0x1  # PKWARE's APPNOTE.TXT, 4.4.4
# What zipfile and zlib raise on damaged bytes: zipfile documents BadZipFile, and lets the others through.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, LookupError, RuntimeError,
    OverflowError,
)  # fmt: skip


class CheckedZip:
    """Read a zip whose names are those that ``check_name`` let pass, each there once.

    Args:
        source: the file, open for reading.
        where: what it is called in messages.
        check_name: raises BundleError for a name that the format does not have.

    Raises:
        BundleError: for what is no zip, for entries that are links, encrypted, twice there or packed by another
            method than deflate, and for more entries than any bundle has.
    """

    def __init__(self, source: IO[bytes], where: str, check_name: Callable[[str], object]) -> None:
        self._where = where
        try:
            bounded = _Bounded(source, ZIP_DIRECTORY_BYTES)
            # zipfile looks from the end, and would read a zip behind a file of any other kind.
            if bounded.read(len(_START)) != _START:
                raise zipfile.BadZipFile("File is not a zip file")
            self._archive = zipfile.ZipFile(cast(IO[bytes], bounded))
            bounded.largest = None  # the caller limits what is read of an entry
        except _DAMAGE as error:
            raise BundleError(f"{where} is no readable zip: {_line(error)}; copy it again") from error
        entries = self._archive.infolist()
        if len(entries) > ZIP_ENTRIES:
            raise BundleError(f"{where} has {len(entries):,} entries, and {ZIP_ENTRIES:,} are the most; {_REMAKE}")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            # As stored: ZipInfo.filename ends at a NUL, and has the system's separator replaced.
            check_name(entry.orig_filename)
            if entry.filename in self._entries:
                raise BundleError(f"{where} holds {entry.filename!r} twice; {_REMAKE}")
            self._check(entry)
            self._entries[entry.filename] = entry

    def __enter__(self) -> CheckedZip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._archive.close()

    @property
    def names(self) -> list[str]:
        """Return what it holds, in its order."""
        return list(self._entries)

    def size_bytes(self, name: str) -> int:
        """Return what an entry states that it takes unpacked; ``read`` gives so many bytes or an error.

        Raises:
            KeyError: for a name that it does not hold.
        """
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """Unpack an entry; the caller holds ``size_bytes`` against its limit first.

        Raises:
            BundleError: where it is damaged or not of the size that the zip states.
        """
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as file:
                content = file.read(entry.file_size)
        except _DAMAGE as error:
            raise BundleError(f"{self._where}: {name!r} cannot be unpacked: {_line(error)}; copy it again") from error
        if len(content) != entry.file_size:
            raise BundleError(
                f"{self._where}: {name!r} unpacks to {len(content):,} bytes, the zip says {entry.file_size:,}; "
                "the file is damaged: copy it again"
            )
        return content

    def _check(self, entry: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            what = "a link" if kind == stat.S_IFLNK else "no file"
        elif entry.flag_bits & _ENCRYPTED:
            what = "encrypted"
        elif entry.compress_type not in _METHODS:
            what = f"packed by the method {entry.compress_type}, not deflated"
        else:
            return
        raise BundleError(f"{self._where}: the entry {entry.filename!r} is {what}; {_REMAKE}")


class _Bounded:
    """Show zipfile a file: no read asks the system for more than there is, nor for more than ``largest``.

    zipfile takes sizes from the file: it reads as much of a directory as this states, and makes an object of each
    entry. Python makes room for what is asked before it reads.
    """

    def __init__(self, source: IO[bytes], largest: int) -> None:
        self._source = source
        self._end = source.seek(0, io.SEEK_END)
        source.seek(0)
        self.largest: int | None = largest
        self.tell, self.seek = source.tell, source.seek

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._end - self._source.tell())
        size = left if size < 0 else min(size, left)
        if self.largest is not None and size > self.largest:
            raise ValueError(f"its directory has {size:,} bytes, and {self.largest:,} are the most")
        return self._source.read(size)


def _line(error: BaseException) -> str:
    """Say what went wrong, in one line: zipfile's message on a name's length holds as much of the file as that says."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}..."
