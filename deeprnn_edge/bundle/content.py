"""Read the bytes of a bundle's files, out of a directory, a zip, or the content of one; nothing else does.

A bundle may come from a stranger. A name in it is a plain file name, what it names lies inside of the bundle, and
no more is read than the caller allows.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deeprnn_edge.errors import BundleError

if TYPE_CHECKING:
    from deeprnn_edge.files.zip_reader import CheckedZip

Source = Path | bytes  # a bundle's directory or zip, or the content of a zip
_LONGEST_NAME = 255  # bytes: what file systems take


def check_name(name: str) -> str:
    """Return a file's name in a bundle, which has no folders.

    Names are held to the rules of every system at once: a bundle that is refused here loads nowhere.

    Raises:
        BundleError: for a name that could lead out of the bundle.
    """
    if name in ("", ".", "..") or any(character in "/\\:" or not character.isprintable() for character in name):
        raise BundleError(
            f"the bundle names the file {_clip(name)}, which is not inside the bundle: "
            "expected a plain name such as golden.npz; export it again"
        )
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        raise BundleError(f"the bundle names the file {_clip(name)}, which is longer than any file system takes")
    return name


def has_file(bundle: Source, name: str) -> bool:
    """Return whether a bundle's directory or zip holds a file of that name."""
    if isinstance(bundle, Path) and bundle.is_dir():
        return (bundle / check_name(name)).is_file()
    with _open_zip(bundle) as archive:
        return name in archive.names


def place_of(bundle: Source) -> Path:
    """Return where a bundle is, for messages: content has no place of its own."""
    return bundle if isinstance(bundle, Path) else Path(f"the bundle of {len(bundle):,} bytes")


def is_zip(bundle: Source) -> bool:
    """Return whether a file or content is a zip, by its end alone."""
    from zipfile import is_zipfile

    return is_zipfile(bundle if isinstance(bundle, Path) else io.BytesIO(bundle))


@contextmanager
def _open_zip(bundle: Source) -> Iterator[CheckedZip]:
    # Imported here: what unpacks takes a tenth of the time to a first answer, and a directory needs none of it.
    from deeprnn_edge.files.zip_reader import CheckedZip

    opened = bundle.open("rb") if isinstance(bundle, Path) else io.BytesIO(bundle)
    with opened as source, CheckedZip(source, str(place_of(bundle)), check_name) as archive:
        yield archive


def read_file(bundle: Source, name: str, *, largest_bytes: int, exact: bool = False) -> bytes:
    """Read one file.

    Args:
        bundle: the directory or zip, or the content of a zip.
        name: of the file.
        largest_bytes: what is larger is refused, before it is read or unpacked.
        exact: whether it has to have just so many.

    Raises:
        BundleError: where it is missing, leads out of the bundle, is no regular file or of another size.
    """
    check_name(name)
    try:
        if isinstance(bundle, Path) and bundle.is_dir():
            return _read_regular(bundle, name, largest_bytes, exact)
        with _open_zip(bundle) as archive:
            _check_size(place_of(bundle) / name, archive.size_bytes(name), largest_bytes, exact)
            return archive.read(name)
    except (FileNotFoundError, KeyError) as error:
        raise BundleError(f"{place_of(bundle)} lacks the file {name}; copy the bundle again") from error
    except OSError as error:
        raise BundleError(f"{place_of(bundle) / name} cannot be read: {error.strerror or error}") from error


def _read_regular(bundle: Path, name: str, largest_bytes: int, exact: bool) -> bytes:
    path = bundle / name
    # Not exists(): a pipe would wait for a writer, and a device has no end.
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        # Not Path.resolve(): before Python 3.13 it raises RuntimeError for a link to itself.
        target = Path(os.path.realpath(path))
        if not target.is_relative_to(os.path.realpath(bundle)):
            raise BundleError(
                f"{path} is a symbolic link that leads out of the bundle; put the file itself in its place"
            )
        found = target.stat()
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(f"{path} is no regular file; copy the bundle again")
    _check_size(path, found.st_size, largest_bytes, exact)
    with path.open("rb", buffering=0) as file:
        # One more than there should be, so that a file which grows meanwhile is noticed.
        content = file.read(found.st_size + 1)
    if len(content) != found.st_size:
        raise BundleError(f"{path} changed while it was read; copy the bundle again")
    return content


def _check_size(path: Path, size_bytes: int, largest_bytes: int, exact: bool) -> None:
    if exact and size_bytes != largest_bytes:
        raise BundleError(
            f"{path} has {size_bytes} bytes, the manifest says {largest_bytes}; "
            "the file is truncated or was replaced: copy the bundle again"
        )
    if size_bytes > largest_bytes:
        raise BundleError(
            f"{path} has {size_bytes:,} bytes, and {largest_bytes:,} are the most; "
            "no export makes such a file: get the bundle from another source"
        )


def _clip(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}...")
