"""Get the browser's runtime, the two files that the page loads, from npm or from an unpacked package."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deeprnn_edge.errors import InputError, MissingExtraError
from deeprnn_edge.packages import ONNXRUNTIME_JS

PACKAGE = "onnxruntime-web"
VERSION = ONNXRUNTIME_JS
# Of npm's archive of that version, beside what npm checks itself: the page says which bytes it runs.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# As in pyproject.toml: before 1.26, RNN reads out of bounds for a row of padding alone.
_OLDEST = (1, 26)
# The build for the CPU alone, half the size of those with WebGPU. The loader's name ends in .js on the page:
# some static servers do not know .mjs, and a browser refuses a module of another type.
SCRIPT = "dist/ort.wasm.bundle.min.mjs"
WASM = "dist/ort-wasm-simd-threaded.wasm"
_NPM_SECONDS = 600


@dataclass(frozen=True)
class Runtime:
    """Hold what the page loads to run a model.

    Attributes:
        version: of the npm package.
        script, wasm: the content of the module and of its WebAssembly.
    """

    version: str
    script: bytes
    wasm: bytes


def read_runtime(folder: Path) -> Runtime:
    """Read the runtime from an unpacked npm package.

    Raises:
        InputError: where it is another package, older, or not whole.
    """
    try:
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        name, version = about["name"], str(about["version"])
        numbers = tuple(int(part) for part in version.split(".")[:2])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is no unpacked npm package: it has no package.json with a name and a version; {_how()}"
        ) from error
    if name != PACKAGE or numbers < _OLDEST:
        raise InputError(
            f"{folder} holds {name} {version}, expected {PACKAGE} {'.'.join(map(str, _OLDEST))} or newer; {_how()}"
        )
    try:
        return Runtime(version, (folder / SCRIPT).read_bytes(), (folder / WASM).read_bytes())
    except OSError as error:
        raise InputError(f"{folder} has no readable {SCRIPT} and {WASM}; {_how()}") from error


def fetch_runtime() -> Runtime:
    """Fetch the pinned runtime through ``npm pack``; nothing stays of what npm wrote.

    Raises:
        MissingExtraError: where there is no npm.
        InputError: where npm fails or the archive is not the pinned one.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise MissingExtraError(
            f"web needs {PACKAGE} {VERSION}, and npm, which gets it, is not on PATH: install Node.js with npm, "
            f"or unpack that package elsewhere and give its folder: runtime="
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"npm did not get {PACKAGE}: {error}; {_how()}") from error
        archives = list(folder.glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            said = " ".join(done.stderr.split())[-300:] or f"it ended with {done.returncode}"
            raise InputError(f"npm did not get {PACKAGE} {VERSION}: {said}; try again with a network, or {_how()}")
        return unpack_runtime(archives[0].read_bytes())


def unpack_runtime(archive: bytes, sha512: str = SHA512) -> Runtime:
    """Unpack the runtime from npm's archive.

    Raises:
        InputError: for an archive with another hash.
    """
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode("ascii")
    if digest != sha512:
        raise InputError(f"what npm got as {PACKAGE} {VERSION} has the SHA-512 {digest}, expected {sha512}")
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        return Runtime(VERSION, _member(files, SCRIPT), _member(files, WASM))


def _member(files: tarfile.TarFile, name: str) -> bytes:
    try:
        file = files.extractfile(f"package/{name}")
    except KeyError:
        file = None
    if file is None:
        raise InputError(f"the archive of {PACKAGE} has no {name}; {_how()}")
    return file.read()


def _how() -> str:
    return f"get it with: npm pack {PACKAGE}@{VERSION}, unpack it, and give the folder package: runtime="
