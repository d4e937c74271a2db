"""``deeprnn-edge choose`` as a user sees it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bundle.artifact import Evaluation
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.main import main
from tests.support.changed_bundle import change_manifest
from tests.support.fresh_process import HEAVY, command, modules_after


@pytest.fixture
def bundle(bundle_path: Path, tmp_path: Path) -> Path:
    """A bundle of two ONNX artifacts of one size: the second says that it is worse by 1.25 points."""
    target = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    shutil.copy(target / "model.onnx", target / "model.int8.onnx")
    exact = open_bundle(target).manifest.artifacts[0]
    evaluations = [Evaluation("reviews", 1000, 0.9 + 0.01 * c, 0.9, c, 3, 0.001, 0.01) for c in (0.0, -1.25)]
    int8 = dataclasses.replace(exact, path="model.int8.onnx", precision="int8", evaluation=evaluations[1])
    change_manifest(target, artifacts=(dataclasses.replace(exact, evaluation=evaluations[0]), int8))
    return target


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["choose", *map(str, arguments), "--seconds", "0.01"])


def test_the_table_and_the_artifact_to_ship(bundle: Path) -> None:
    result = run(bundle, "--max-size", "400KB", "--max-latency", "1s", "--max-accuracy-drop", "0.5")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("fixture on ")
    assert lines[1] == "batch 1, 16 time steps, 1 thread; answers held against golden.npz"
    assert lines[2] == ("at most: size 400,000 bytes, p50 latency 1,000.000 ms, accuracy drop 0.5 points; prefers size")
    header, exact, int8 = (line.split() for line in lines[4:7])
    assert header == ["file", "precision", "bytes", "p50", "ms", "accuracy", "points", "verdict"]
    assert (exact[:3], exact[4:]) == (["model.onnx", "fp32", "4,386"], ["+0.00", "chosen"])
    assert (int8[:3], int8[4:]) == (["model.int8.onnx", "int8", "4,386"], ["-1.25", "over", "budget"])
    assert lines[8:] == [
        "ship model.onnx",
        "not model.int8.onnx: accuracy drop 1.25 points, 0.75 points over the budget of 0.5 points",
    ]
    assert "timing model.onnx, model.int8.onnx" in result.stderr
    assert "fresh process" not in result.stderr


def test_without_budgets_all_fit(bundle: Path) -> None:
    result = run(bundle, "--prefer", "accuracy")
    assert result.exit_code == 0
    assert "no budget; prefers accuracy" in result.stdout
    assert (
        "ship model.onnx\nnot model.int8.onnx: fits, but is less accurate than model.onnx: "
        "-1.25 points against +0\n" in result.stdout
    )


def test_none_that_fits_is_exit_code_1_and_one_line(bundle: Path) -> None:
    result = run(bundle, "--max-size", "4kB")
    assert result.exit_code == 1
    assert "ship" not in result.stdout
    assert result.stdout.count("size 4,386 bytes, 386 bytes over the budget of 4,000 bytes") == 2
    assert result.stderr.splitlines()[-1] == (
        "error: no artifact fits; model.onnx comes nearest: size 4,386 bytes, 386 bytes over the budget of "
        "4,000 bytes. It would need --max-size 4386B"
    )
    needed = result.stderr.strip().rsplit("need ", 1)[1].split()
    assert run(bundle, *needed).exit_code == 0


def test_an_artifact_that_was_not_evaluated(bundle_path: Path) -> None:
    result = run(bundle_path, "--max-accuracy-drop", "0.5 points")
    assert result.exit_code == 1
    assert "not evaluated" in result.stdout
    assert (
        "not model.onnx: its accuracy was not measured; measure it with: deeprnn-edge export MODEL --evaluate DATA"
        in result.stdout
    )


def test_json(bundle: Path) -> None:
    values = json.loads(run(bundle, "--max-accuracy-drop", "0.5%", "--json").stdout)
    assert values["chosen"] == "model.onnx"
    assert [one["verdict"] for one in values["artifacts"]] == ["chosen", "over budget"]
    assert values["options"]["seconds"] == 0.01


def test_json_where_none_fits(bundle: Path) -> None:
    result = run(bundle, "--max-size", "1KiB", "--json")
    assert result.exit_code == 1
    values = json.loads(result.stdout)
    assert (values["chosen"], values["budgets"]["max_size_bytes"]) == (None, 1024)
    assert result.stderr.splitlines()[-1] == f"error: {values['miss']}"
    assert all(one["reasons"] for one in values["artifacts"])


def test_one_file_without_golden_vectors_is_not_said_to_be_checked(bundle: Path) -> None:
    (bundle / "golden.npz").unlink()
    assert "answers to random inputs held against model.onnx" in run(bundle).stdout
    change_manifest(bundle, artifacts=open_bundle(bundle).manifest.artifacts[:1])
    result = run(bundle)
    assert result.exit_code == 0
    assert "answers not checked: no golden vectors for these inputs, and no other file" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-size", "400 parsecs"], "error: size '400 parsecs' is not understood; give a number above 0"),
        (["--max-size", "-5KB"], "error: size '-5KB' is not understood"),
        (["--max-latency", "0.2"], "error: latency '0.2' has no unit; give a number above 0 with a unit"),
        (["--max-accuracy-drop", "nan"], "error: accuracy drop 'nan' is not understood"),
        (["--prefer", "speed"], "'speed' is not one of 'size', 'latency', 'accuracy'"),
        (["--threads", "0"], "error: threads 0: give at least 1"),
        (["--length", "17"], "error: length 17: the model's time axis is fixed"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(bundle: Path, arguments: list[str], message: str) -> None:
    result = run(bundle, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_a_path_that_is_no_bundle(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no bundle" in result.stderr


def test_the_help_teaches_with_an_example() -> None:
    text = CliRunner().invoke(main, ["choose", "--help"]).stdout
    assert "deeprnn-edge choose bundle --max-size 400KB --max-latency 0.2ms --max-accuracy-drop 0.5" in text


def test_no_framework_is_loaded(bundle: Path) -> None:
    assert not modules_after(command("choose", str(bundle), "--seconds", "0.01")) & set(HEAVY)
