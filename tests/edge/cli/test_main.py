"""The command line: results on stdout, one line and an exit code for what is wrong."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import deeprnn_edge
from deeprnn_edge import packages as extras
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.cli.main import main


def run(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=stdin)


def assert_one_line_error(result: Result, message: str, code: int = 2) -> None:
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stdout == ""


def test_predict_prints_the_label_and_the_probability(bundle_path: Path) -> None:
    texts = ["a gorgeous, moving film", "dull"]
    expected = deeprnn_edge.load(bundle_path).predict(texts)
    result = run("predict", bundle_path, *texts)
    assert result.exit_code == 0
    for line, text, (probability,) in zip(result.stdout.splitlines(), texts, expected, strict=True):
        assert f"{probability:.4f}" in line
        assert ("positive" if probability > 0.5 else "negative") in line
        assert line.endswith(text)


def test_predict_json_from_stdin_and_file(bundle_path: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("dull\n\ngood\n")
    from_file = run("predict", bundle_path, "--input", tmp_path / "texts.txt", "--json")
    from_stdin = run("predict", bundle_path, "-i", "-", "--json", stdin="dull\n\ngood\n")
    assert from_file.stdout == from_stdin.stdout
    rows = [json.loads(line) for line in from_file.stdout.splitlines()]
    assert [row["item"] for row in rows] == ["dull", "", "good"]
    expected = deeprnn_edge.load(bundle_path).predict(["dull", "", "good"])
    np.testing.assert_allclose([row["outputs"]["probability"] for row in rows], expected, rtol=1e-6)


def test_predict_refuses(bundle_path: Path, tmp_path: Path) -> None:
    assert_one_line_error(run("predict", bundle_path), "give items on the command line, or a file")
    assert_one_line_error(run("predict", bundle_path, "x", "--threads", 0), "--threads 0")
    assert_one_line_error(run("predict", tmp_path / "no", "x"), "no such bundle")
    assert_one_line_error(run("predict", bundle_path, "-i", tmp_path / "no.txt"), "cannot read")
    assert_one_line_error(run("predict", bundle_path, "x", "--artifact", "a.onnx"), "no artifact 'a.onnx'")


def test_verify(bundle_path: Path) -> None:
    result = run("verify", bundle_path)
    assert result.exit_code == 0
    results = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("model.")][:2]
    assert results == ["ok", "ok" if importlib.util.find_spec("ai_edge_litert") else "not"]  # not run
    (onnx,) = json.loads(run("verify", bundle_path, "--artifact", "model.onnx", "--json").stdout)
    assert onnx["passed"]
    assert onnx["max_abs_diff"] <= onnx["atol"]


def test_verify_fails_with_1_where_an_answer_differs(bundle_path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    (first, *rest) = decode_golden((copy / "golden.npz").read_bytes())
    wrong = Case(first.name, first.inputs, {name: values + np.float32(0.1) for name, values in first.outputs.items()})
    (copy / "golden.npz").write_bytes(encode_golden([wrong, *rest]))
    result = run("verify", copy)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert f"probability of {first.name}: differs by 1.00e-01" in result.stdout


def test_verify_fails_with_2_where_a_file_is_altered(bundle_path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle_path, tmp_path / "bundle")
    (copy / "model.onnx").write_bytes(b"x")
    assert_one_line_error(run("verify", copy), "truncated or was replaced")


@pytest.mark.parametrize("words", [("train", "-o", "x.keras"), ("export", "x.keras", "-o", "b"), ("demo",)])
def test_workshop_commands_without_the_extra(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    real = extras.importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "tensorflow" else real(name))
    assert_one_line_error(run(*words), "pip install 'deeprnn-edge[export]'")


def test_help_lists_both_halves() -> None:
    text = run("--help").stdout
    for name in ("train", "export", "verify", "inspect", "bench", "predict", "demo"):
        assert f"  {name} " in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("predict",), "Missing argument 'BUNDLE'"),
        (("verify", "b", "--fast"), "No such option"),
        (("bench", "b", "--batch", "many"), "'many' is not a valid integer"),
    ],
)
def test_words_that_click_refuses_are_one_line_too(words: tuple[str, ...], message: str) -> None:
    assert_one_line_error(run(*words), message)
