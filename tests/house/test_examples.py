"""Each program of ``examples`` does what it says; the service has tests of its own, with the benchmark of it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from tests.support.paths import FIXTURES, ROOT
from tests.support.workshop import run

EXAMPLES = ROOT / "examples"
TESTED = {"export_a_model", "predict_texts", "stream_words", "stream_a_sensor", "choose_for_a_budget", "service"}


def run_example(capfd: pytest.CaptureFixture[str], name: str, *words: object) -> list[str]:
    """What a program prints, given these words."""
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capfd.readouterr().out.splitlines()


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("speaker") / "speaker"


def test_each_is_tested_and_short() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == TESTED
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLES.glob("*.py")) <= 50


def test_texts_are_labelled(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts = ["a gorgeous, moving film", "dull"]
    (tmp_path / "texts").write_text("\n".join(texts) + "\n", encoding="utf-8")
    lines = run_example(capfd, "predict_texts", FIXTURES / "bundle", tmp_path / "texts")
    answers = deeprnn_edge.load(FIXTURES / "bundle").predict(texts)[:, 0]
    for line, text, answer in zip(lines, texts, answers, strict=True):
        assert line.split()[0] == ("positive" if answer > 0.5 else "negative")
        assert line.endswith(f"{max(answer, 1 - answer):4.0%}  {text}")


@pytest.mark.slow
def test_the_sentiment_of_each_word_while_a_sentence_is_typed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, bundle = tmp_path / "gru.keras", tmp_path / "bundle"
    for words in (
        ("train", "--cell", "gru", "--data", "reviews", "--epochs", "2", "--units", "16", "-o", model),
        ("export", model, "-o", bundle, "--stream", "--format", "onnx"),
    ):
        done = run(*words)
        assert done.exit_code == 0, done.output
    lines = run_example(capfd, "stream_words", bundle)
    sentence = [line.split()[0] for line in lines]
    assert sentence == "it begins well and then it falls apart badly".split()
    loaded = deeprnn_edge.load(bundle)
    shown = [float(line.split()[1]) for line in lines]
    for count, value in enumerate(shown, start=1):
        whole = float(loaded.predict(" ".join(sentence[:count]))[0, 0])
        assert value == pytest.approx(whole, abs=0.0051)  # printed with two digits
    assert shown[-1] < max(shown[:5])


@pytest.mark.slow
def test_a_model_with_its_own_loop_is_exported_and_streamed(speaker: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = run_example(capfd, "export_a_model", 12, speaker)
    assert float(lines[0].split()[-1].rstrip("%")) > 70  # nine speakers
    assert {line.split()[0] for line in lines[1:]} == {"model.onnx", "stream.onnx"}
    from deeprnn_export import load_dataset

    series = load_dataset("vowels").x_test[100]
    steps = series[series.any(axis=1)]
    file = speaker.with_name("series.csv")
    np.savetxt(file, steps, delimiter=",")
    shown = run_example(capfd, "stream_a_sensor", speaker, file)
    assert len(shown) == len(steps)
    model = deeprnn_edge.load(speaker)
    whole = model.predict(series)[0]
    assert shown[-1] == f"{model.manifest.labels[whole.argmax()]}  {whole.max():.2f}"


@pytest.mark.slow
def test_the_file_within_the_budget_is_packed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model.zip"
    lines = run_example(capfd, "choose_for_a_budget", FIXTURES / "bundle", output)
    verdicts = [line.split()[1] for line in lines if line.startswith("model.")]  # what pack says follows
    assert sorted(verdicts) == ["chosen", "fits"]
    assert all(result.passed for result in deeprnn_edge.verify(output))
    with pytest.raises(SystemExit, match="1"):  # nothing is that small
        run_example(capfd, "choose_for_a_budget", FIXTURES / "bundle", output, "--max-size", "1KB")
