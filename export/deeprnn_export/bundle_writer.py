"""A bundle appears whole in its place, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deeprnn_edge.bundle import MANIFEST
from deeprnn_edge.bundle_zip import zip_files
from deeprnn_edge.errors import InputError


@contextmanager
def new_bundle(destination: str | Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``destination`` when the context ends well, and vanishes when it does not.

    destination: a directory, or with the suffix ``.zip`` one file with the same content.
    force: replace what is there, if it is a bundle.

    Raises InputError where the destination is taken or cannot be written, before anything slow happens.
    """
    destination = Path(destination)
    _refuse_taken(destination, force=force)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    except OSError as error:
        raise InputError(f"cannot write in {destination.parent}: {error.strerror}; choose another --output") from error
    try:
        yield folder
        if destination.suffix == ".zip":
            _replace(_zipped(folder), destination)
        else:
            folder.chmod(0o777 & ~_umask())
            _replace(folder, destination)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise InputError(f"cannot write {destination}: {error.strerror}; nothing was left behind") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_taken(destination: Path, *, force: bool) -> None:
    if not destination.name:
        raise InputError(f"{destination} is no place for a bundle; give a new directory or a .zip file")
    if not destination.exists():
        return
    if not force:
        raise InputError(f"{destination} exists; choose another --output, or replace it with --force")
    is_bundle = (destination / MANIFEST).is_file() or zipfile.is_zipfile(destination)
    if not is_bundle and not (destination.is_dir() and not any(destination.iterdir())):
        raise InputError(f"{destination} exists and is no bundle; --force replaces bundles alone")


def _zipped(folder: Path) -> Path:
    target = folder / "bundle.zip"
    target.write_bytes(zip_files({path.name: path.read_bytes() for path in folder.iterdir()}))
    return target


def _replace(source: Path, destination: Path) -> None:
    if not destination.is_dir():
        source.replace(destination)
        return
    # A directory with content cannot be renamed over: the old one steps aside first.
    aside = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    destination.replace(aside / "old")
    try:
        source.replace(destination)
    except OSError:
        (aside / "old").replace(destination)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
