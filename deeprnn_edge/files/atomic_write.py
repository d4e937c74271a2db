"""Write a command's file: whole in its place, or not at all, and by one command at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.place_lock import hold_place


@contextmanager
def hold_output(path: Path | None, *, force: bool = False) -> Iterator[None]:
    """Hold a file that is about to be written, before anything slow happens, until ``write_output`` has written it.

    Args:
        path: of the file; None where nothing is written.
        force: whether one that is there may be replaced.

    Raises:
        InputError: for what ``check_output`` refuses.
        BusyError: where another command is writing it.
    """
    if path is None:
        yield
        return
    with hold_place(path, partial(check_output, path, force=force)):
        yield


def check_output(path: Path, *, force: bool = False) -> None:
    """Check that a file can be written, before anything slow happens.

    Args:
        path: of the file.
        force: whether one that is there may be replaced.

    Raises:
        InputError: where ``path`` is taken, or its folder is missing or not writable.
    """
    if path.is_dir():
        raise InputError(f"{path} is a directory; give the name of a file")
    if path.exists() and not force:
        raise InputError(f"{path} exists; choose another output=, or replace it with force=True")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"cannot write in {path.parent}: it is missing or not writable; choose another output=")


def write_output(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, through a temporary file beside the file itself.

    Raises:
        InputError: where that fails; nothing is left then.
    """
    temporary = None
    placed = False
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        # A temporary file is readable by its owner alone; the result is for whoever reads the folder.
        temporary.chmod(0o644)
        temporary.replace(path)
        placed = True
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; nothing was left behind") from error
    finally:  # also after an interrupt
        if temporary is not None and not placed:
            temporary.unlink(missing_ok=True)
