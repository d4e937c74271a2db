"""How commands end that are told to stop, or whose reader leaves: one line, an exit code, nothing half-written."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deeprnn_edge.cli.main import main

command_line = importlib.import_module("deeprnn_edge.cli.main")  # the package has the command of this name

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals"),
]
BY_DEFAULT = "interrupted: no file was left half-written\n"


def start(*words: object, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deeprnn_edge", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["process", "terminal"])
@pytest.mark.parametrize(("told", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_command_that_writes_says_what_its_place_holds(
    bundle_path: Path, tmp_path: Path, told: str, code: int, whom: Callable[[int, int], None]
) -> None:
    output = tmp_path / "bench.json"
    with start("bench", bundle_path, "--artifact", "model.onnx", "--seconds", 60, "-o", output) as process:
        while not list(tmp_path.iterdir()):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)  # among the measurements, or the fresh processes of the first of them
        whom(process.pid, getattr(signal, told))
        out, err = process.communicate()
    assert (process.returncode, out) == (code, ""), err
    assert [line for line in err.splitlines() if "interrupted" in line] == err.splitlines()[-1:]
    assert err.splitlines()[-1] == f"interrupted: {output} is what it was before, or the whole new result"
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(command_line._COMMANDS))
def test_every_command_ends_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is told at the worst moment: here within the callback of each."""

    def interrupted(*words: object, **options: object) -> None:
        raise KeyboardInterrupt

    command = main.get_command(click.Context(main), name)
    assert command is not None
    monkeypatch.setattr(command, "callback", interrupted)
    monkeypatch.setattr(command, "params", [])
    result = CliRunner().invoke(main, [name])
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", BY_DEFAULT)


def test_signals_are_as_they_were_afterwards(bundle_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    streams = sys.stdout, sys.stderr
    CliRunner().invoke(main, ["inspect", str(bundle_path)])
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before
    assert (sys.stdout, sys.stderr) == streams


@pytest.mark.parametrize("words", [["inspect", "--json"], ["inspect", "--help"]])
def test_a_reader_that_left_is_no_matter(bundle_path: Path, words: list[str]) -> None:
    with start(words[0], bundle_path, *words[1:]) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_what_failed_is_no_success_for_a_reader_that_left(tmp_path: Path) -> None:
    with start("verify", tmp_path / "no") as process:
        assert process.stderr is not None
        process.stderr.close()
    assert process.returncode == 141


def test_a_pipe_of_our_own_that_breaks_is_no_quiet_end(monkeypatch: pytest.MonkeyPatch, bundle_path: Path) -> None:
    def broken(*words: object, **options: object) -> None:
        raise BrokenPipeError

    command = main.get_command(click.Context(main), "inspect")
    assert command is not None
    monkeypatch.setattr(command, "callback", broken)
    assert CliRunner().invoke(main, ["inspect", str(bundle_path)]).exit_code not in (0, 141)


def test_options_of_the_group_are_refused_in_one_line() -> None:
    result = CliRunner().invoke(main, ["--nonsense"])
    assert result.exit_code == 2
    assert result.stderr == "error: No such option '--nonsense'. See: deeprnn-edge --help\n"
    assert CliRunner().invoke(main, ["--version"]).exit_code == 0
    assert CliRunner().invoke(main, ["--help"]).exit_code == 0
