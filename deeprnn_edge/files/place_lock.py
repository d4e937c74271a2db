"""Let one command at a time write a place, and refuse the second by name.

The lock is the operating system's own, on a hidden file beside the place: it ends with the process that holds it,
however that ends, so that it cannot be stale. The file itself means nothing. It is removed at the end, and one that a
killed process left is taken over.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deeprnn_edge.errors import BusyError, InputError

# What a lock that another process holds is answered with: flock's EWOULDBLOCK, and EACCES of msvcrt.locking.
_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_LONGEST_ID = 20  # characters of a process's number


@contextmanager
def hold_place(place: Path, check: Callable[[], None] = lambda: None, *, option: str = "output") -> Iterator[None]:
    """Hold a file or folder that is about to be written, so that nobody else writes it meanwhile.

    Args:
        place: its path. A link is itself the place, as it is what would be replaced.
        check: raises where the place cannot be used. It is asked before, for its messages, and again under the lock:
            another command may have ended in between.
        option: what the place is given by, for messages.

    Raises:
        BusyError: where another command is writing the place.
        InputError: where no lock can be made beside it.
    """
    check()
    path = lock_path(place)
    try:
        descriptor = _acquire(path)
    except OSError as error:
        raise InputError(f"cannot write in {place.parent}: {error.strerror}; choose another {option}=") from error
    if descriptor is None:
        raise BusyError(f"another command is writing {place}{_holder(path)}; wait for it, or choose another {option}=")
    try:
        check()
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"{place} is what it was before, or the whole new result")
        raise
    finally:
        _release(descriptor, path)


def lock_path(place: Path) -> Path:
    """Return the file that is locked while a place is written: the same by whatever way the path leads there."""
    return place.parent.resolve() / f".{place.name}.lock"


def _acquire(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None where another has it.

    Raises:
        OSError: where the folder or the file system does not let one be made.
    """
    while True:
        # Not followed: a link under this name would have another file made, or written.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            # Its holder may have removed the file since it was opened: then the lock is on a file that nobody finds.
            if _is_at(descriptor, path):
                os.truncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _release(descriptor: int, path: Path) -> None:
    """Remove the file and end the lock."""
    if sys.platform == "win32":  # an open file cannot be removed there, nor one that the next command has opened
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()
        return
    # First the name, then the lock: whoever opens the name afterwards has another file.
    with suppress(OSError):
        path.unlink()
    _unlock(descriptor)
    os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    """Say which process holds the lock, where it is known."""
    try:
        said = path.read_bytes()[:_LONGEST_ID].decode("ascii", "replace")
    except OSError:
        return ""
    return f" (process {said})" if said.isdigit() else ""


if sys.platform == "win32":
    import msvcrt

    _AT = 1 << 30  # far behind the number: what is locked cannot be read there

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in _HELD:
                return False
            raise
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                return False
            raise
        return True

    def _unlock(descriptor: int) -> None:
        # Not by closing alone: a child that was forked meanwhile has the same open file.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
