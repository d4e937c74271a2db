"""Commands on a file that ends the process: the program says so in one line, and exits with 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import deeprnn_edge
from deeprnn_edge.errors import BundleError
from tests.support.damaged_bundle import crashing_bundle
from tests.support.paths import FIXTURES

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")]


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ai_edge_litert", reason="a .tflite file is run")
    return crashing_bundle(FIXTURES / "bundle", tmp_path_factory.mktemp("crash"))


def _run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deeprnn_edge", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["verify", "bench", "choose"])
def test_the_command_outlives_the_file(command: str, crashing: Path) -> None:
    done = _run(command, crashing)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"error: {crashing}: model.tflite ended the process that ran it (SIGSEGV); "
    )
    assert "Traceback" not in done.stderr


def test_what_reads_a_file_and_does_not_run_it_answers(crashing: Path, tmp_path: Path) -> None:
    assert _run("inspect", crashing).returncode == 0
    done = _run("report", crashing, "-o", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()


def test_load_tries_the_file_first_where_it_is_told_to(crashing: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.tflite ended the process that ran it \(SIGSEGV\)"):
        deeprnn_edge.load(crashing, artifact="model.tflite", trusted=False)
    deeprnn_edge.load(crashing, artifact="model.onnx", trusted=False)


def test_exit_codes_and_output_are_those_of_the_command(bundle_path: Path) -> None:
    done = _run("choose", bundle_path, "--max-size", "1B", "--seconds", "0.05")
    assert done.returncode == 1
    assert "no artifact fits" in done.stderr
    assert "model.onnx" in done.stdout
    assert _run("inspect", "nowhere").returncode == 2
