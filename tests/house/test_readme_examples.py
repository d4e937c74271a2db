"""The README's streaming examples run as they stand, and say what they claim; with shorter training."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from tests.support.paths import ROOT
from tests.support.workshop import run

README = ROOT / "README.md"


def example(name: str) -> tuple[list[list[str]], str]:
    """The words of each command, and the Python code."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- example {name} -->\n```\n(.*?)```\n+```python\n(.*?)```\n<!-- end -->", text, re.DOTALL)
    assert found is not None
    commands = [line.split()[1:] for line in found[1].splitlines() if line.startswith("deeprnn-edge ")]
    return commands, found[2]


def run_example(name: str, capsys: pytest.CaptureFixture[str], *training: str) -> list[str]:
    commands, code = example(name)
    for words in commands:
        # An option that is given twice counts as it is given last.
        done = run(*words, *(training if words[0] == "train" else ("--format", "onnx")))
        assert done.exit_code == 0, done.output
    capsys.readouterr()
    exec(compile(code, str(README), "exec"), {})
    return capsys.readouterr().out.splitlines()


def test_the_sentiment_of_each_word_while_a_sentence_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = run_example("words", capsys, "--epochs", "2", "--units", "16")
    sentence = [line.split()[0] for line in lines]
    assert sentence == "it begins well and then it falls apart badly".split()
    model = deeprnn_edge.load("bundle")
    for count, line in enumerate(lines, start=1):
        whole = float(model.predict(" ".join(sentence[:count]))[0, 0])
        assert float(line.split()[1]) == pytest.approx(whole, abs=0.0051)  # printed with two digits
    shown = [float(line.split()[1]) for line in lines]
    assert shown[-1] < max(shown[:5])


def test_the_speaker_is_decided_as_the_steps_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = run_example("speaker", capsys, "--epochs", "12")
    from deeprnn_export import load_dataset

    model, series = deeprnn_edge.load("speaker"), load_dataset("vowels").x_test[100]
    assert len(lines) == np.count_nonzero(series.any(axis=1))
    whole = model.predict(series)[0]
    assert lines[-1] == f"{model.manifest.labels[whole.argmax()]}  {whole.max():.2f}"
