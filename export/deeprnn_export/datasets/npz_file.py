"""Open an ``.npz`` so that whatever is wrong with it is one line."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deeprnn_edge.errors import InputError


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
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            yield file
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {path} as {expected}: {reason}") from error
