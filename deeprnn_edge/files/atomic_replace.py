"""Let a directory or file take the place of another one under its name, however the program ends.

Linux and macOS exchange two names in one step, so that the old or the new is there at every moment. Windows and some
network file systems cannot: there the old steps aside for the moment between two renames. A program that is killed
in this moment leaves it, whole, beside its place, and ``bundle.recovery`` returns it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

_AT_FDCWD = -100  # Linux, fcntl.h: paths are relative to the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux's renameat2, and RENAME_SWAP of macOS's renamex_np
# Not on this kernel, not on this file system, not in this container.
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV, errno.EPERM)


def replace(source: Path, destination: Path) -> None:
    """Give ``destination`` what ``source`` names. What was there is removed, or then bears the source's name."""
    if not os.path.lexists(destination) or (source.is_file() and destination.is_file()):
        source.replace(destination)  # one step on every system
    elif not exchange(source, destination):
        # A directory with content cannot be renamed over.
        aside = aside_of(destination)
        destination.replace(aside)
        try:
            source.replace(destination)
        except OSError:
            aside.replace(destination)
            raise
        remove(aside)


def aside_of(destination: Path) -> Path:
    """Return where the old one waits."""
    return destination.with_name(f".{destination.name}.before")


def exchange(one: Path, other: Path) -> bool:
    """Let two names that exist change places in one step; return False where system or file system cannot.

    Raises:
        OSError: where they can and it fails.
    """
    if sys.platform not in ("linux", "darwin"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):  # glibc 2.28, musl 1.2.6
        failed = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], ctypes.c_uint(_EXCHANGE))
    elif hasattr(libc, "renamex_np"):  # macOS 10.12
        failed = libc.renamex_np(*paths, ctypes.c_uint(_EXCHANGE))
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
