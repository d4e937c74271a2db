"""``deeprnn-edge stream`` in a real pipe: an answer to each line as it comes, and a quiet end."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import deeprnn_edge
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.cli.main import main
from tests.support.changed_bundle import change_manifest

LINES = ["a gorgeous,", "moving film", "", "dull"]


def run(*words: object, stdin: str | bytes) -> Result:
    return CliRunner().invoke(main, ["stream", *map(str, words)], input=stdin)


@pytest.fixture
def piped(stream_bundle: Path) -> Iterator[subprocess.Popen[str]]:
    """The command with both ends in the test's hands."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deeprnn_edge", "stream", str(stream_bundle)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        yield process
        process.kill()


def ask(process: subprocess.Popen[str], line: str) -> dict[str, Any]:
    """Send one line and read its answer, which has to come before the next line is sent."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def test_each_line_is_answered_as_it_comes(piped: subprocess.Popen[str], stream_bundle: Path) -> None:
    stream = deeprnn_edge.load(stream_bundle).stream()
    for line, step in zip(LINES, (2, 4, 4, 5), strict=True):
        answer = ask(piped, line)
        expected = stream.push(line)[0]  # type: ignore[index]
        assert answer["step"] == step
        assert answer["input"] == line
        assert answer["label"] == ("positive" if expected[0] > 0.5 else "negative")
        np.testing.assert_allclose(answer["outputs"]["probability"], expected, rtol=1e-6)
    assert piped.communicate() == ("", "")
    assert piped.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_ctrl_c_ends_in_one_line(piped: subprocess.Popen[str]) -> None:
    ask(piped, "film")
    piped.send_signal(signal.SIGINT)
    kept = "every line above is answered; what the stream remembered is gone"
    assert piped.communicate() == ("", f"interrupted: {kept}\n")
    assert piped.returncode == 130


def test_a_reader_that_leaves_ends_it_quietly(piped: subprocess.Popen[str]) -> None:
    ask(piped, "film")
    assert piped.stdin is not None
    assert piped.stdout is not None
    assert piped.stderr is not None
    piped.stdout.close()
    piped.stdin.write("plot\n")
    piped.stdin.close()
    assert piped.stderr.read() == ""
    assert piped.wait() == 141


def test_one_vector_a_line(stream_steps_bundle: Path) -> None:
    array = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    lines = [", ".join(map(str, row)) for row in array.tolist()]
    result = run(stream_steps_bundle, stdin="\r\n".join([*lines, ""]))
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["step"] for answer in answers] == [1, 2, 3]
    expected = deeprnn_edge.load(stream_steps_bundle).predict(array)[0]  # type: ignore[index]
    np.testing.assert_allclose([answer["outputs"]["probabilities"] for answer in answers], expected, atol=1e-6)
    assert [answer["label"] for answer in answers] == [str(index) for index in expected.argmax(axis=1)]
    assert all("input" not in answer for answer in answers)


def test_ids_for_a_model_without_words(stream_bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stream_bundle, tmp_path / "bundle")
    change_manifest(copy, preprocessing=Preprocessing("tokens"))
    result = run(copy, stdin="1, 4\n5 6\n")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["step"] for answer in answers] == [2, 4]
    expected = deeprnn_edge.load(copy).stream().push([1, 4, 5, 6])[0]  # type: ignore[index]
    np.testing.assert_allclose(answers[-1]["outputs"]["probability"], expected, atol=1e-6)
    assert "line 2: 'film' is no line of ids" in run(copy, stdin="3\nfilm\n").stderr


def test_tflite_answers_too(stream_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    given = "\n".join(LINES)
    by_format = []
    for words in ([], ["--artifact", "model.tflite"], ["--artifact", "stream.tflite"]):
        lines = run(stream_bundle, *words, stdin=given).stdout.splitlines()
        by_format.append([json.loads(line)["outputs"]["probability"] for line in lines])
    np.testing.assert_allclose(by_format[1], by_format[0], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(by_format[2], by_format[1])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3,4", "line 2: the chunk of input 'x' has the shape (1, 4), expected (1, time, 5)"),
        ("1,2,nan,4,5", "line 2: input 'x' has a NaN in row 0"),
        ("1,2,,4,5", "line 2: '1,2,,4,5' is no line of numbers separated by commas"),
        ("film", "line 2: 'film' is no line of numbers"),
    ],
)
def test_a_bad_line_is_named_and_those_before_it_stay(stream_steps_bundle: Path, line: str, message: str) -> None:
    result = run(stream_steps_bundle, stdin=f"1,2,3,4,5\n{line}\n1,2,3,4,5\n")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_cannot_be_used(stream_bundle: Path, stream_steps_bundle: Path, bundle_path: Path, tmp_path: Path) -> None:
    for words, stdin, message in (
        ([tmp_path / "no"], "", "no such bundle"),
        ([stream_bundle, "--threads", 0], "", "--threads 0"),
        ([stream_bundle], b"film\n\xff\n", "line 2: 'utf-8' codec"),
        ([stream_steps_bundle], "\n", "line 1: the chunk holds no step"),
    ):
        result = run(*words, stdin=stdin)
        assert result.exit_code == 2, result.output
        assert message in result.stderr


def test_tflite_of_several_steps_a_call_is_refused(stream_steps_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    result = run(stream_steps_bundle, "--artifact", "stream.tflite", stdin="1,2,3,4,5\n")
    assert result.exit_code == 2
    assert "stream.tflite takes 4 steps at a time, and a line is one step" in result.stderr


def test_no_line_is_no_answer(stream_bundle: Path) -> None:
    result = run(stream_bundle, stdin="")
    assert (result.exit_code, result.output) == (0, "")
