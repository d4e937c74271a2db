"""The steps from raw values in programs give what the device gives; where they do not run, the program says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.inputs.features import FeatureEncoder
from deeprnn_edge.snippets.affine import read_affine
from deeprnn_edge.snippets.example import RawValues
from deeprnn_edge.snippets.languages import LANGUAGES, choose_artifact, write_program
from deeprnn_edge.snippets.prepare import can_prepare, prepare
from tests.support.changed_bundle import change_manifest, with_columns, with_scaler
from tests.support.snippet_tools import Tools, call, needed, open_brackets

SLOW = pytest.mark.slow  # what is built first, with what is fetched for it
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


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return Tools(tmp_path_factory)


def with_steps(change: Callable[[Path], None], bundle: Path, folder: Path) -> Path:
    copied = Path(shutil.copytree(bundle, folder / "raw"))
    change(copied)
    return copied


def program(bundle: Path, language: str) -> str:
    opened = open_bundle(bundle)
    return write_program(opened, choose_artifact(opened, None, language), language)


def said(text: str, language: str) -> str:
    return " ".join(text.replace(LANGUAGES[language].mark, "").split())


@pytest.mark.parametrize("seed", range(20))
def test_columns_and_scales_give_what_the_device_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    width = int(random.integers(1, 6))
    dtype = str(random.choice(["float64", "float32", "int64"]))
    values = (random.normal(size=(1, 4, width)) * 100).astype(dtype)
    steps = []
    for _ in range(random.integers(0, 5)):
        if random.random() < 0.4:
            chosen = random.permutation(width)[: random.integers(1, width + 1)]
            steps.append(FeatureStep("select", columns=tuple(chosen.tolist())))
            width = len(chosen)
        else:
            rows = [tuple(random.normal(size=random.choice([1, width])).tolist()) for _ in range(3)]
            add = rows[2] if random.random() < 0.5 else None
            steps.append(FeatureStep("scale", subtract=rows[0], multiply=rows[1], add=add))
    given: dict[str, Any] = {"dtype": dtype, "shape": ("time", values.shape[-1]), "steps": tuple(steps)}
    raw = RawInput("x", **given)
    affine = read_affine(RawValues(raw, values))
    assert affine is not None
    # As every language's template computes it.
    made = affine.values.reshape(-1, affine.width)[:, affine.columns].astype(np.float64)
    for scale in affine.scales:
        made = (made - scale[:, 0]) * scale[:, 1] + scale[:, 2]
    spec = TensorSpec("x", "float32", ("batch", "time", width))
    expected = FeatureEncoder(raw, spec, Preprocessing("sequence")).encode(values)
    np.testing.assert_array_equal(made.astype(np.float32).ravel(), expected.ravel())


@pytest.mark.parametrize(
    "step", [FeatureStep("clip", low=(-1.0,), high=(1.0,)), FeatureStep("bins", boundaries=(0.0,))]
)
def test_other_steps_are_stated_where_a_program_does_not_run_them(
    step: FeatureStep, stream_steps_bundle: Path, tmp_path: Path
) -> None:
    raw = RawInput("x", "float64", ("time", 3), steps=(AFFINE, step))
    assert read_affine(RawValues(raw, ROWS)) is None
    assert can_prepare(RawValues(raw, ROWS))
    assert read_affine(RawValues(replace(raw, steps=(AFFINE,)), ROWS, "int32")) is None
    assert read_affine(RawValues(replace(raw, steps=(AFFINE,)), np.zeros((1, 800, 3)))) is None
    if step.step == "bins":
        return
    bundle = with_steps(with_scaler, stream_steps_bundle, tmp_path)
    rules = open_bundle(bundle).manifest.preprocessing
    wide = FeatureStep("clip", low=(-1e6,), high=(1e6,))
    (has,) = rules.raw
    change_manifest(bundle, preprocessing=replace(rules, raw=(replace(has, steps=(*has.steps, wide)),)))
    for language in LANGUAGES:
        text = said(program(bundle, language), language)
        assert "column by column; not below -1e+06 nor above 1e+06." in text
        assert ("The program does that itself." in text) == (language == "python")
        assert ("whoever feeds it raw values has to do them first" in text) == (language != "python")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_program_computes_columns_and_scales(language: str, stream_steps_bundle: Path, tmp_path: Path) -> None:
    bundle = with_steps(with_columns, stream_steps_bundle, tmp_path)
    text = program(bundle, language)
    assert "The program does that itself." in said(text, language)
    case = next(one for one in open_bundle(bundle).golden_cases() if one.name == "batch 1, full")
    numbers = " ".join(text.split())
    assert ", ".join(map(repr, case.values["x"].ravel().tolist())) in numbers
    assert str(case.inputs["x"].ravel()[1]) not in numbers
    if language != "python":
        assert not open_brackets(text)


@pytest.mark.parametrize("language", [pytest.param(one, marks=[] if one == "python" else SLOW) for one in LANGUAGES])
@pytest.mark.parametrize("change", [with_scaler, with_columns])
def test_a_program_answers_raw_values_as_keras_does(
    change: Callable[[Path], None], language: str, stream_steps_bundle: Path, tmp_path: Path, tools: Tools
) -> None:
    bundle = with_steps(change, stream_steps_bundle, tmp_path)
    model = bundle / choose_artifact(open_bundle(bundle), None, language).path
    done = tools(language)(program(bundle, language), model)
    assert done.code == 0, done.said
    assert "largest difference to Keras" in done.output


@pytest.mark.parametrize("language", [pytest.param(one, marks=[] if one == "python" else SLOW) for one in LANGUAGES])
def test_another_scale_gives_another_answer(
    language: str, stream_steps_bundle: Path, tmp_path: Path, tools: Tools
) -> None:
    bundle = with_steps(with_columns, stream_steps_bundle, tmp_path)
    model = bundle / choose_artifact(open_bundle(bundle), None, language).path
    done = tools(language)(program(bundle, language).replace("-7.0", "-6.5"), model)
    assert done.code == 1, done.said


@pytest.mark.slow
def test_the_java_program_of_raw_values_compiles(stream_steps_bundle: Path, tmp_path: Path, tools: Tools) -> None:
    javac, native = needed("javac"), tools.native()
    text = program(with_steps(with_columns, stream_steps_bundle, tmp_path), "java")
    (tmp_path / "Snippet.java").write_text(text, encoding="utf-8")
    done = call(javac, "-Xlint:all", "-Werror", "-cp", native / "classes.jar", "Snippet.java", folder=tmp_path)
    assert done.code == 0, done.said
