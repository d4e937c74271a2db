"""The device tells nobody that it runs: no file is written unasked, and no host is looked up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, time
import deeprnn_edge
model = deeprnn_edge.load(sys.argv[1])
model.predict("film")
model.stream().push("film")
time.sleep(3)  # the lookups came within two seconds
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ORT_", "XDG_"))}
    return {**kept, "HOME": str(home), **more}


@pytest.mark.process
def test_nothing_is_written_and_no_name_is_looked_up(stream_bundle: Path, tmp_path: Path) -> None:
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    strace = shutil.which("strace")
    command = [sys.executable, "-B", "-c", PROGRAM, str(stream_bundle)]
    traced = [] if strace is None else [strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", str(trace)]
    done = subprocess.run(
        [*traced, *command], env=environment(home), cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []
    if strace is not None:
        assert [line for line in trace.read_text().splitlines() if "AF_INET" in line] == []


def test_an_app_that_chose_otherwise_keeps_its_choice(tmp_path: Path) -> None:
    code = "import deeprnn_edge.runtimes.onnx.library, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, ORT_DISABLE_TELEMETRY="0"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"
