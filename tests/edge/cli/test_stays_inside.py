"""No command of the device looks a name up, connects, or writes anywhere but where it is told to."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import FIXTURES

pytestmark = pytest.mark.process

# Told by Python's own events, of every process that the command starts, as its path comes before all others.
TRACE = """
import os, sys
def _tell(event, arguments, write=os.write, opening=os.open):
    outside = event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname")
    flags = arguments[2] if event == "open" and isinstance(arguments[2], int) else 0
    writes = event == "open" and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    if outside or (writes and not isinstance(arguments[0], int)) or event in ("os.mkdir", "os.rename", "os.symlink"):
        where = arguments[1] if event == "os.rename" else arguments[0]
        if not outside:
            where = os.path.abspath(os.fsdecode(where))
        with _quiet():
            _lines.append(f"{event}\\t{where}\\n")
            file = opening(os.environ["TRACED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            write(file, _lines.pop().encode())
            os.close(file)
class _quiet:
    def __enter__(self): _busy.append(1)
    def __exit__(self, *error): _busy.pop()
_busy, _lines = [], []
sys.addaudithook(lambda event, arguments: None if _busy else _tell(event, arguments))
"""
COMMANDS: dict[str, list[str]] = {
    "predict": ["{bundle}", "a film"],
    "stream": ["{bundle}"],
    "verify": ["{bundle}"],
    "inspect": ["{bundle}", "--json"],
    "bench": ["{bundle}", "--runs", "10", "-o", "{out}/bench.json"],
    "report": ["{bundle}", "-o", "{out}/report.html"],
    "choose": ["{bundle}", "--seconds", "0.01"],
    "pack": ["{bundle}", "-o", "{out}/out.zip"],
    "snippet": ["{bundle}", "--language", "c++", "-o", "{out}/out.cpp"],
    "web": ["{bundle}", "-o", "{out}/site", "--runtime", "{runtime}"],
}
ELSEWHERE = {"score": "Dask's workers talk to each other on loopback, and spill to a folder of their own"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_stays_inside(tmp_path: Path, name: str) -> None:
    home, out, temporary, hooks = (tmp_path / part for part in ("home", "out", "temporary", "hooks"))
    for folder in (home, out, temporary, hooks):
        folder.mkdir()
    (hooks / "sitecustomize.py").write_text(TRACE)
    runtime = tmp_path / "runtime" / "dist"
    runtime.mkdir(parents=True)
    (runtime.parent / "package.json").write_text(json.dumps({"name": "onnxruntime-web", "version": "1.30.0"}))
    for file in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        (runtime / file).write_bytes(b"")
    places = {"{bundle}": FIXTURES / "stream_text", "{out}": out, "{runtime}": runtime.parent}
    words = [name, *COMMANDS[name]]
    for place, path in places.items():
        words = [word.replace(place, str(path)) for word in words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")} | {
        "PYTHONPATH": os.pathsep.join([str(hooks), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TRACED": str(tmp_path / "traced"),
    }
    strace, calls = shutil.which("strace"), tmp_path / "calls"
    native = [] if strace is None else [strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", str(calls)]
    done = subprocess.run(
        [*native, sys.executable, "-m", "deeprnn_edge", *words],
        input="a film\n",
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    traced = tmp_path / "traced"
    told = [line.split("\t") for line in traced.read_text().splitlines()] if traced.exists() else []
    assert bool(told) == any("{out}" in word for word in COMMANDS[name]) or all(_harmless(*one) for one in told)
    wrong = [one for one in told if not _harmless(*one) and not Path(one[1]).is_relative_to(out)]
    wrong = [one for one in wrong if not Path(one[1]).is_relative_to(temporary)]
    assert wrong == []
    if strace is not None:
        assert "AF_INET" not in calls.read_text()
    assert (list(home.iterdir()), list(temporary.iterdir())) == ([], [])


def _harmless(event: str, where: str) -> bool:
    return not event.startswith("socket.") and where == os.devnull


def test_every_command_is_here() -> None:
    assert {*COMMANDS, *ELSEWHERE} == set(importlib.import_module("deeprnn_edge.cli.main")._COMMANDS)
