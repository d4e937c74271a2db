"""Write the page as a folder of files: whole in its place, or not at all."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path

from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_replace import replace
from deeprnn_edge.files.place_lock import hold_place
from deeprnn_edge.packages import package_version
from deeprnn_edge.runtimes import PORTABLE
from deeprnn_edge.runtimes.artifacts import read_artifact
from deeprnn_edge.tables import printable
from deeprnn_edge.web.runtime_files import Runtime
from deeprnn_edge.web.settings import choose_artifact, make_settings

INDEX, SETTINGS, MODEL = "index.html", "settings.json", f"model{PORTABLE.suffix}"
_ASSETS = (
    "style.css",
    "main.js",
    "text.js",
    "features.js",
    "padding.js",
    "runner.js",
    "answer.js",
    "names.js",
    "chart.js",
    "typing.js",
    "replay.js",
)


def check_site(path: Path, *, force: bool = False) -> None:
    """Check that the folder can be made, before anything slow happens; ``force`` replaces a page alone.

    Raises:
        InputError: where it cannot.
    """
    if not path.name or not path.parent.is_dir():
        raise InputError(f"cannot make {path}: {path.parent} is no directory; choose another output=")
    if not path.exists():
        return
    if not force:
        raise InputError(f"{path} exists; choose another output=, or replace it with force=True")
    is_page = (path / SETTINGS).is_file() and (path / INDEX).is_file()
    if not is_page and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path} exists and is no page of this command; force=True replaces such pages alone")


def make_files(bundle: Bundle, runtime: Runtime, artifact: str | None = None) -> dict[str, bytes]:
    """Make every file of the page, by its path in the folder.

    Raises:
        InputError: for what the page cannot show.
    """
    chosen = choose_artifact(bundle, artifact)
    settings = make_settings(bundle, chosen)
    settings["runtime"] = f"onnxruntime-web {runtime.version}"
    assets = resources.files("deeprnn_edge.web") / "assets"
    index = (assets / INDEX).read_text(encoding="utf-8")
    shown = {"NAME": settings["name"], "VERSION": package_version("deeprnn-edge")}
    # In one pass: what is filled in is not read again.
    index = re.sub(r"\{\{(\w+)\}\}", lambda place: html.escape(printable(str(shown[place[1]]))), index)
    return {
        INDEX: index.encode("utf-8"),
        SETTINGS: json.dumps(settings, ensure_ascii=False, allow_nan=False).encode("utf-8"),
        MODEL: read_artifact(bundle, chosen),
        **{name: (assets / name).read_bytes() for name in _ASSETS},
        "runtime/LICENSE.txt": (assets / "runtime-license.txt").read_bytes(),
        "runtime/ThirdPartyNotices.txt": _notices(),
        "runtime/ort.js": runtime.script,
        "runtime/ort.wasm": runtime.wasm,
    }


def _notices() -> bytes:
    """Read the notices of the libraries inside ONNX Runtime, which the npm package leaves out and the wheel has."""
    # Found without an import, which would start its telemetry.
    found = importlib.util.find_spec("onnxruntime")
    folders = [] if found is None else list(found.submodule_search_locations or ())
    try:
        return (Path(*folders[:1]) / "ThirdPartyNotices.txt").read_bytes()
    except OSError as error:
        raise InputError(
            "the onnxruntime that is installed has no ThirdPartyNotices.txt, which goes with a page; "
            "install it from its wheel: pip install --force-reinstall onnxruntime"
        ) from error


def write_site(path: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the folder under a temporary name, then let it take its place; nothing is left where that fails.

    Raises:
        BusyError: where another command is writing it.
        InputError: where it cannot be written.
    """
    with hold_place(path, partial(check_site, path, force=force)):
        _write(path, files)


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot write in {path.parent}: {error.strerror}; choose another output=") from error
    fresh = aside / "new"
    try:
        for name, content in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        replace(fresh, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; nothing was left behind") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
