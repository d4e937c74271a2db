"""Write a bundle so that it appears whole in its place, or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deeprnn_edge.bundle.bundle import MANIFEST
from deeprnn_edge.bundle.recovery import put_back
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_replace import replace
from deeprnn_edge.files.place_lock import hold_place
from deeprnn_edge.files.zip_writer import zip_files


@contextmanager
def new_bundle(destination: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Make a temporary folder that becomes ``destination`` when the context ends well, and vanishes when not.

    A process that is killed leaves the old bundle or the new one in its place, and may leave its temporary folder
    beside it, under a name that starts with a dot.

    Args:
        destination: a directory, or with the suffix ``.zip`` one file with the same content.
        force: replace what is there, if it is a bundle.

    Raises:
        BusyError: where another command is writing the destination.
        InputError: where the destination is taken or cannot be written, before anything slow happens.
    """
    destination = Path(destination)
    if not destination.name:
        raise InputError(f"{destination} is no place for a bundle; give a new directory or a .zip file")
    with hold_place(destination, option="destination"):
        yield from _make(destination, force=force)


def _make(destination: Path, *, force: bool) -> Iterator[Path]:
    try:
        put_back(destination)
        _refuse_taken(destination, force=force)
        workplace = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    except OSError as error:
        raise InputError(
            f"cannot write in {destination.parent}: {error.strerror}; choose another destination="
        ) from error
    try:
        # Inside of the workplace, which its owner alone may read; a bundle is for whoever reads the folder.
        folder = workplace / "bundle"
        folder.mkdir()
        yield folder
        replace(_zipped(folder) if destination.suffix == ".zip" else folder, destination)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise InputError(f"cannot write {destination}: {error.strerror}; nothing was left behind") from error
        raise
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _refuse_taken(destination: Path, *, force: bool) -> None:
    if not destination.exists():
        return
    if not force:
        raise InputError(f"{destination} exists; choose another destination=, or replace it with force=True")
    is_bundle = (destination / MANIFEST).is_file() or zipfile.is_zipfile(destination)
    if not is_bundle and not (destination.is_dir() and not any(destination.iterdir())):
        raise InputError(f"{destination} exists and is no bundle; force=True replaces bundles alone")


def _zipped(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    target.write_bytes(zip_files({path.name: path.read_bytes() for path in folder.iterdir()}))
    return target
