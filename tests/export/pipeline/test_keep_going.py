"""One file that cannot be made takes the others with it, or with ``keep_going`` is left out and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError, ParityError, UnsupportedModelError
from deeprnn_edge.parity.verify import verify
from deeprnn_export import export
from tests.support.keras_models import randomised


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A network whose cell has no form in 8 bits, in the format that stores them so."""
    return randomised(keras.Sequential([keras.Input((None, 2), name="x"), keras.layers.GRU(4), keras.layers.Dense(1)]))


def test_the_others_are_kept(model: keras.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    words = ["export", str(tmp_path / "m.keras"), "--format", "onnx", "--stream", "--precision", "int8-dynamic"]
    alone = CliRunner().invoke(main, [*words, "--precision", "fp32", "-o", str(tmp_path / "a")])
    assert (alone.exit_code, (tmp_path / "a").exists()) == (2, False)
    kept = CliRunner().invoke(main, [*words, "--precision", "fp32", "-o", str(tmp_path / "b"), "--keep-going"])
    assert kept.exit_code == 1, kept.stderr
    last = kept.stderr.splitlines()[-1]
    assert last.startswith("error: 2 of 4 files could not be made: model.int8-dynamic.onnx, stream.int8-dynamic.onnx; ")
    reason = alone.stderr.splitlines()[-1].removeprefix("error: ")
    table = kept.stdout.splitlines()
    assert [row.split()[0] for row in table[1:5]] == [
        "model.onnx",
        "stream.onnx",
        "model.int8-dynamic.onnx",
        "stream.int8-dynamic.onnx",
    ]
    assert "not made" in table[3]
    assert f"model.int8-dynamic.onnx was not made: {reason}" in table
    manifest = deeprnn_edge.load(tmp_path / "b").manifest
    assert [one.path for one in manifest.artifacts] == ["model.onnx", "stream.onnx"]
    assert [(one.path, one.kind) for one in manifest.missing][1] == ("stream.int8-dynamic.onnx", "stream")
    assert manifest.stream is not None
    assert all(result.passed for result in verify(tmp_path / "b"))
    read = json.loads((tmp_path / "b" / "manifest.json").read_text("utf-8"))
    assert read["missing"][0]["reason"] == reason.replace("--precision int8", "precisions=('int8',)")
    assert read["missing"][0]["reason"] in (tmp_path / "b" / "README.md").read_text("utf-8")


def test_a_file_that_answers_otherwise_is_left_out(model: keras.Model, tmp_path: Path) -> None:
    options: Any = {"formats": ["onnx"], "atol": 1e-12, "keep_going": True}
    manifest = export(model, tmp_path / "b", precisions=["fp32", "fp16"], **options)
    assert [one.path for one in manifest.artifacts] == ["model.fp16.onnx"]
    (missing,) = manifest.missing
    assert "comparisons with Keras failed" in missing.reason
    assert "nothing was exported" not in missing.reason
    assert not (tmp_path / "b" / missing.path).exists()
    with pytest.raises(ParityError, match="nothing was exported"):
        export(model, tmp_path / "c", precisions=["fp32"], **options)
    assert not (tmp_path / "c").exists()


def test_nothing_is_kept_of_nothing_and_options_are_the_callers(model: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError):
        export(model, tmp_path / "b", formats=["onnx"], precisions=["int8-dynamic"], keep_going=True)
    with pytest.raises(InputError, match="nothing"):
        export(
            model, tmp_path / "b", formats=["onnx"], precisions=["int8"], tensors={"nothing": "fp16"}, keep_going=True
        )
    assert not (tmp_path / "b").exists()
