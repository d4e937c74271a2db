"""Open an ``.npz`` so that whatever is wrong with it is one line."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError

_LONGEST_REASON = 300  # characters
# What numpy, zipfile and zlib raise on damaged bytes; a MemoryError for a shape that the file only claims.
_DAMAGE = (
    OSError, ValueError, EOFError, LookupError, TypeError, RuntimeError, MemoryError, OverflowError, SyntaxError,
    struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError,
)  # fmt: skip


@contextmanager
def open_npz(path: Path, expected: str) -> Iterator[Any]:
    """Open NumPy's archive of arrays, to read inside the context; nothing in it is run.

    Args:
        expected: what the file should be, for the message.

    Raises:
        InputError: where it cannot be opened, or an array that the context reads is damaged.
    """
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        # What numpy warns of, a made-up shape that overflows, it refuses afterwards.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file, np.errstate(all="ignore"):
            yield _Arrays(file)
    except _DAMAGE as error:
        # numpy's messages hold as much of a header as the file has.
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise InputError(f"cannot read {path} as {expected}: {reason}") from error


class _Arrays(Mapping[str, NDArray[Any]]):
    """Give the arrays of an archive; numpy gives the bytes of what is none."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.files: list[str] = file.files
        self.zip = file.zip

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._file[name]
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} is no array")
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)
