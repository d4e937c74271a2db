"""The steps from raw values in JavaScript give what the Python ones give, bit by bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.bundle.text_steps import encode_step
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.features import FeatureEncoder
from tests.support.page_modules import NODE, ask_modules

ANSWER = """
import { FeatureEncoder, parseValues } from "./features.js";
let given = "";
process.stdin.setEncoding("utf8");
for await (const part of process.stdin) given += part;
const attempt = run => { try { return run(); } catch (error) { return `refused: ${error.message}`; } };
const { cases, typed } = JSON.parse(given);
console.log(JSON.stringify({
  encoded: cases.map(({ raw, values }) => attempt(() => new FeatureEncoder(raw).encode(values))),
  typed: typed.map(({ text, raw }) => attempt(() => parseValues(text, raw))),
}));
"""

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(6, 3)) * [1, 100, 1e6]
CLASSES = RANDOM.integers(0, 4, (6, 3))
AFFINE = FeatureStep("scale", subtract=(0.1, -7.3, 1e6), multiply=(1 / 3, 0.7, 1e-5))
WORDS = np.array([["a", "é", "constructor"], ["", "a", "映"]], object)


def raw(*steps: FeatureStep, dtype: Any = "float64", shape: tuple[int | str, ...] = ("time", 3)) -> RawInput:
    return RawInput("x", dtype, shape, steps=steps)


THIRDS = FeatureStep("scale", subtract=(3.0,), multiply=(0.1, 9.0), add=(0.3,))
NEAR = np.array([0.1, 0.09999999, 0.1 + 1e-9, 0.5])


def one_hot(form: str, *columns: int) -> RawInput:
    return raw(FeatureStep("one_hot", size=4, form=form, columns=columns or None), dtype="int64")


CASES: list[tuple[RawInput, Any]] = [
    (raw(AFFINE), ROWS),
    (raw(FeatureStep("select", columns=(2, 0)), THIRDS), ROWS),
    (raw(FeatureStep("clip", low=(-0.5,), high=(0.5, 10.0, 1e5))), ROWS),
    (raw(FeatureStep("bins", boundaries=(-0.1, 0.1, 0.1, 0.5))), ROWS),
    (raw(FeatureStep("bins", boundaries=(0.1, 0.5)), dtype="float32", shape=(4,)), NEAR),
    (raw(FeatureStep("bins", boundaries=(0.1,), columns=(1,)), AFFINE), ROWS),
    (raw(FeatureStep("lookup", keys=("a", "é", ""), unknown=0), dtype="str", shape=(3,)), WORDS),
    (raw(FeatureStep("lookup", keys=(7, -3, 1 << 52)), dtype="int64", shape=(3,)), np.array([-3, 1 << 52, 7])),
    *((one_hot(form), CLASSES) for form in ("one", "each", "multi", "count")),
    *((one_hot(form, 0, 2), CLASSES) for form in ("one", "multi", "count")),
]
REFUSED: list[tuple[RawInput, Any]] = [
    (raw(FeatureStep("lookup", keys=("a",)), dtype="str", shape=(3,)), WORDS),
    (raw(FeatureStep("one_hot", size=3, form="one"), dtype="int64"), CLASSES),
]


def in_node(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    return ask_modules(folder, ("features.js",), ANSWER, given)


def as_settings(one: RawInput) -> dict[str, Any]:
    fields = dataclasses.asdict(one)
    return fields | {"steps": list(map(encode_step, fields["steps"]))}


@pytest.mark.skipif(NODE is None, reason="no node on PATH")
def test_javascript_gives_the_same_values(tmp_path: Path) -> None:
    cases = [{"raw": as_settings(one), "values": values.tolist()} for one, values in (*CASES, *REFUSED)]
    typed = [
        {"text": " a, é ,,b c", "raw": {"dtype": "str"}},
        {"text": "1 2,-3\n4e2", "raw": {"dtype": "float64"}},
        {"text": "1.5", "raw": {"dtype": "int64"}},
        {"text": "1 x", "raw": {"dtype": "float32"}},
    ]
    seen = in_node(tmp_path, {"cases": cases, "typed": typed})
    spec = TensorSpec("x", "float64", ("batch", "time", 3))
    for (one, values), found in zip(CASES, seen["encoded"], strict=False):
        expected = FeatureEncoder(one, spec, Preprocessing("sequence")).encode(values)
        np.testing.assert_array_equal(np.array(found, np.float64), expected.astype(np.float64), err_msg=str(one.steps))
    for (one, values), found in zip(REFUSED, seen["encoded"][len(CASES) :], strict=True):
        assert found.startswith("refused: ")
        with pytest.raises(InputError):
            FeatureEncoder(one, spec, Preprocessing("sequence")).encode(values)
    assert seen["typed"][:2] == [["a", "é", "b c"], [1, 2, -3, 400]]
    assert [found[:8] for found in seen["typed"][2:]] == ["refused:"] * 2
