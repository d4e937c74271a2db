"""The steps from raw values in Python programs give what the device gives; other programs say what is left to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput
from deeprnn_edge.bundle.manifest import Preprocessing, TensorSpec
from deeprnn_edge.inputs.features import FeatureEncoder
from deeprnn_edge.snippets.example import RawValues
from deeprnn_edge.snippets.languages import LANGUAGES, choose_artifact, write_program
from deeprnn_edge.snippets.prepare import can_prepare, prepare
from tests.support.changed_bundle import with_scaler

ROWS = np.random.default_rng(0).normal(size=(1, 6, 3)) * [1, 100, 1e6]
CLASSES = np.random.default_rng(1).integers(0, 4, (1, 6, 3))
WORDS = np.array([[["a b", "\u00e9'\"\\"], ["", "unknown " * 30]]], object)
AFFINE = FeatureStep("scale", subtract=(0.1, -7.3, 1e6), multiply=(1 / 3, 0.7, 1e-5), add=(0.3,))
LOOKUP = FeatureStep("lookup", keys=("a b", "\u00e9'\"\\", ""), unknown=0)
CASES: list[tuple[tuple[FeatureStep, ...], str, Any]] = [
    (
        (FeatureStep("select", columns=(2, 0, 1)), AFFINE, FeatureStep("clip", low=(-1.0,), high=(1.0,))),
        "float64",
        ROWS,
    ),
    ((FeatureStep("bins", boundaries=(-0.1, 0.1, 0.5)),), "float32", ROWS.astype(np.float32)),
    ((LOOKUP, FeatureStep("one_hot", size=3, form="one")), "str", WORDS),
    ((FeatureStep("lookup", keys=(3, 2, 1, 0)),), "int64", CLASSES),
    *(((FeatureStep("one_hot", size=4, form=form),), "int64", CLASSES) for form in ("one", "each", "multi", "count")),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_python_of_the_steps_gives_the_same_values(case: int) -> None:
    steps, dtype, values = CASES[case]
    given: dict[str, Any] = {"dtype": dtype, "shape": ("time", values.shape[-1]), "steps": steps}
    raw = RawInput("x'\n", **given)
    assert can_prepare(RawValues(raw, values))
    program = "\n".join(prepare([RawValues(raw, values)], {"x'\n": "float32"}))
    names: dict[str, Any] = {"np": np, "INPUTS": {}}
    exec(program, names)
    spec = TensorSpec("x'\n", "float32", ("batch", "time", 3))
    expected = FeatureEncoder(raw, spec, Preprocessing("sequence")).encode(values)
    np.testing.assert_array_equal(names["INPUTS"]["x'\n"], expected.astype(np.float32))
    assert names["INPUTS"]["x'\n"].dtype == np.float32


def test_steps_of_some_columns_are_left_to_the_reader() -> None:
    step = FeatureStep("bins", boundaries=(0.0,), columns=(1,))
    assert not can_prepare(RawValues(RawInput("x", "float64", ("time", 3), steps=(step,)), ROWS))


def test_programs_run_the_steps_or_say_that_they_do_not(stream_steps_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stream_steps_bundle, tmp_path / "raw"))
    with_scaler(folder)
    bundle = open_bundle(folder)
    artifact = choose_artifact(bundle, "model.onnx")
    for language in LANGUAGES:
        program = " ".join(write_program(bundle, artifact, language).replace(LANGUAGES[language].mark, "").split())
        assert 'The input "x" is made of raw float64 (time, 5): (x - -3) * 0.25, column by column.' in program
        assert ("The program does that itself." in program) == (language == "python")
        assert ("whoever feeds it raw values has to do them first" in program) == (language != "python")
    (tmp_path / "snippet.py").write_text(write_program(bundle, artifact, "python"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "snippet.py", folder / "model.onnx"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "largest difference to Keras" in done.stdout
