"""The steps from raw values: what a manifest may say of them, and what it may not is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput, describe_raw, shape_of_result
from deeprnn_edge.bundle.manifest import Manifest, decode_manifest, encode_manifest
from deeprnn_edge.bundle.manifest_checks import check_manifest
from deeprnn_edge.errors import BundleError

SCALE = FeatureStep("scale", subtract=(1.0, 2.0), multiply=(0.5,))


def raw(*steps: FeatureStep, shape: tuple[int | str, ...] = ("time", 2), **options: Any) -> RawInput:
    return RawInput("x", **{"dtype": "float64", "shape": shape, "steps": steps} | options)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (raw(SCALE), ("time", 2)),
        (raw(FeatureStep("select", columns=(4, 0)), SCALE, shape=("time", "columns")), ("time", 2)),
        (raw(FeatureStep("one_hot", size=5, form="one", columns=(1,))), ("time", 6)),
        (raw(FeatureStep("one_hot", size=5, form="one")), ("time", 10)),
        (raw(FeatureStep("one_hot", size=5, form="each")), ("time", 2, 5)),
        (raw(FeatureStep("one_hot", size=5, form="count")), ("time", 5)),
        (raw(FeatureStep("one_hot", size=5, form="multi", columns=(0, 2)), shape=("time", 3)), ("time", 6)),
        (raw(SCALE, FeatureStep("window", length=8, hop=4, rest="cut")), (8, 2)),
        (raw(FeatureStep("bins", boundaries=(0.0, 0.0, 1.0)), shape=("time",)), ("time",)),
    ],
)
def test_the_shape_behind_the_steps(given: RawInput, shape: tuple[int | str, ...]) -> None:
    assert shape_of_result(given) == shape
    assert describe_raw(given).isascii()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (raw(FeatureStep("whiten")), "'whiten', a step that this release does not know; it has select"),
        (raw(FeatureStep("scale", subtract=(0.0,))), r"steps\[0\] \(scale\) has subtract; expected subtract, multiply"),
        (raw(replace(SCALE, size=3)), r"\(scale\) has multiply, size, subtract"),
        (raw(replace(SCALE, subtract=(1.0, 2.0, 3.0))), "subtract has 3 numbers, and there are 2 columns"),
        (raw(replace(SCALE, subtract=())), r"subtract is \[\], expected finite"),
        (raw(replace(SCALE, multiply=(float("nan"),))), "expected finite numbers"),
        (raw(FeatureStep("select", columns=(2,))), r"has the column 2, and there are 2"),
        (raw(FeatureStep("select", columns=(0, 0))), "expected columns, each once"),
        (raw(FeatureStep("clip", low=(2.0,), high=(1.0,))), "low 2.0 above the high 1.0"),
        (raw(FeatureStep("bins", boundaries=(1.0, 0.0))), "expected ascending"),
        (raw(FeatureStep("lookup", keys=("a", 1))), "expected words or whole numbers, each once"),
        (raw(FeatureStep("lookup", keys=(True, False))), "expected words or whole numbers"),
        (raw(FeatureStep("lookup", keys=("a", "a"))), "each once"),
        (raw(FeatureStep("lookup", keys=("\ud800",))), "expected words"),
        (raw(FeatureStep("lookup", keys=(1 << 70,))), "expected words or whole numbers"),
        (raw(FeatureStep("lookup", keys=("a",), unknown=-1)), "unknown is -1, expected a place from 0"),
        (raw(FeatureStep("one_hot", size=0, form="one")), "has 0 classes"),
        (raw(FeatureStep("one_hot", size=9, form="two")), "'two', expected one, each, multi, count"),
        (raw(FeatureStep("one_hot", size=9, form="each", columns=(0,))), "the form each takes all"),
        (raw(FeatureStep("one_hot", size=9, form="one"), shape=("time", "columns")), "their number is not stated"),
        (raw(*[FeatureStep("one_hot", size=60_000, form="one")] * 2), "columns, and 65,536 are the most"),
        (raw(FeatureStep("window", length=0, hop=1, rest="cut")), "the length 0 and the hop 1"),
        (raw(FeatureStep("window", length=1, hop=1, rest="drop")), "'drop', expected refuse or pad or cut"),
        (raw(FeatureStep("window", length=1, hop=1, rest="cut"), SCALE), "expected it as the last step"),
        (raw(*[SCALE] * 33), "33 steps, and 32 are the most"),
        (raw(SCALE, columns=("a",)), "names 1 columns, and its shape has 2"),
        (raw(SCALE, columns=("a", "a")), "a name twice"),
        (raw(SCALE, shape=("time", 0)), "expected 1 to 8 axes of size 1 or more"),
    ],
)
def test_what_cannot_be_is_named(given: RawInput, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        shape_of_result(given)


@pytest.fixture
def manifest(stream_steps_bundle: Path) -> Manifest:
    return decode_manifest((stream_steps_bundle / "manifest.json").read_text())


def test_a_manifest_carries_them(manifest: Manifest) -> None:
    steps = (SCALE, FeatureStep("lookup", keys=("a", "\u00e9")), FeatureStep("lookup", keys=(3, -1), unknown=0))
    for step in steps:
        stated = replace(manifest, preprocessing=replace(manifest.preprocessing, raw=(raw(step, shape=("time", 5)),)))
        text = encode_manifest(stated)
        assert decode_manifest(text) == stated
        assert "boundaries" not in text  # what a step does not use


def test_the_steps_have_to_make_what_the_input_takes(manifest: Manifest) -> None:
    def check(*given: RawInput) -> None:
        check_manifest(replace(manifest, preprocessing=replace(manifest.preprocessing, raw=given)))

    fits = raw(replace(SCALE, subtract=(0.0,)), shape=("time", 5))
    check(fits)
    with pytest.raises(BundleError, match=r"preprocessing.raw\[0\] is \['time', 2\], expected steps that make"):
        check(raw(SCALE))
    with pytest.raises(BundleError, match=r"raw\[0\].input is 'y', expected one of x"):
        check(replace(fits, input="y"))
    with pytest.raises(BundleError, match="has 'x' twice"):
        check(fits, fits)


def test_a_step_of_a_later_release_is_named_whatever_fields_it_has(manifest: Manifest) -> None:
    fields = json.loads(encode_manifest(manifest))
    step = {"step": "spectrogram", "bands": 40}
    fields["preprocessing"]["raw"] = [{"input": "x", "dtype": "float64", "shape": ["time", 5], "steps": [step]}]
    with pytest.raises(BundleError, match=r"raw\[0\].steps\[0\] is 'spectrogram', a step that this release"):
        decode_manifest(json.dumps(fields))
