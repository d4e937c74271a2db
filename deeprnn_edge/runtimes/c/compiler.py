"""Compile C source into a library of this machine, once: it is kept where only the user can write."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from deeprnn_edge.errors import BundleError, MissingExtraError

CACHE = "DEEPRNN_EDGE_CACHE"  # an environment variable: another folder than the user's cache
FLAGS = ("-std=c99", "-O3", "-fPIC", "-shared", "-DDEEPRNN_EDGE_HOST")
_KEPT = 64  # libraries; one is as large as its model
_SECONDS = 600


def find_compiler() -> list[str]:
    """Return the command of a C compiler: ``CC``, ``cc``, ``gcc`` or ``clang``, else that of the ziglang package.

    Raises:
        MissingExtraError: where there is none.
    """
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        found = shutil.which(name) if name else None
        if found is not None:
            return [found]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise MissingExtraError(
        "a C artifact needs a C compiler, and there is none here: install gcc or clang, or a compiler as a Python "
        "package with: pip install 'deeprnn-edge[c]'"
    )


def build_library(content: bytes, path: str) -> Path:
    """Return the library of a source, compiled unless it was before.

    Args:
        content: the source.
        path: its name, for messages.

    Raises:
        BundleError: with the compiler's first line, where it does not compile it; the source is kept nowhere.
        MissingExtraError: where there is no compiler.
    """
    compiler = find_compiler()
    key = hashlib.sha256(content)
    key.update("\0".join([_identify(tuple(compiler)), *FLAGS]).encode())
    folder = cache_folder()
    library = folder / f"{key.hexdigest()}.so"
    if _is_ours(library):
        return library
    with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as place:
        source, made = Path(place) / "model.c", Path(place) / "model.so"
        source.write_bytes(content)
        try:
            done = subprocess.run(
                [*compiler, *FLAGS, source.name, "-o", made.name],
                cwd=place,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BundleError(f"{path} could not be compiled with {compiler[0]}: {error}") from error
        if done.returncode or not made.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            line = next((line for line in said if "error" in line), said[0] if said else f"exit {done.returncode}")
            raise BundleError(f"{compiler[0]} does not compile {path}: {line[:300]}")
        made.chmod(0o700)
        made.replace(library)
    _forget_oldest(folder)
    return library


def cache_folder() -> Path:
    """Return the folder of compiled libraries, which nobody but the user may write.

    Raises:
        BundleError: where the folder there is another's, or others may write it.
    """
    base = os.environ.get(CACHE)
    if not base:
        cache = os.environ.get("XDG_CACHE_HOME")
        base = str(Path(cache if cache and Path(cache).is_absolute() else Path.home() / ".cache") / "deeprnn-edge")
    folder = Path(base) / "native"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BundleError(f"{folder} cannot hold compiled models: {error.strerror}; set {CACHE} to a folder") from error
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not stat.S_ISDIR(found.st_mode) or not mine or found.st_mode & 0o077:
        raise BundleError(
            f"{folder} must be a folder of yours that others can neither read nor write, as compiled code is run from "
            f"it: chmod 700 it, or set {CACHE} to another folder"
        )
    return folder


def _is_ours(library: Path) -> bool:
    """Return whether a library was compiled by this user."""
    try:
        found = library.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISREG(found.st_mode) and mine and not found.st_mode & 0o022


@functools.cache
def _identify(compiler: tuple[str, ...]) -> str:
    """Tell compilers and their releases apart."""
    try:
        said = subprocess.run([*compiler, "--version"], capture_output=True, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = b""
    return "\0".join([*compiler, said.decode("utf-8", "replace")])


def _forget_oldest(folder: Path) -> None:
    """Delete what was compiled longest ago; a process that runs it keeps it."""
    made = sorted(folder.glob("*.so"), key=lambda library: library.stat().st_mtime)
    for library in made[:-_KEPT]:
        library.unlink(missing_ok=True)
