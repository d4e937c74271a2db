"""Which arrays a benchmark times."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.inputs import choose_inputs
from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import Case, encode_golden
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.artifacts import open_artifact
from tests.support.changed_bundle import change_manifest, free_time


@pytest.fixture
def copied(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def test_golden_rows_without_padding_are_repeated_to_the_batch(bundle_path: Path) -> None:
    bundle = open_bundle(bundle_path)
    inputs = choose_inputs(bundle, batch=7, length=None)
    assert inputs.source == "golden"
    session = open_artifact(bundle, bundle.artifact("model.onnx"))
    for name, answer in session.run(inputs.feeds).items():
        assert np.abs(answer - inputs.expected[name]).max() < 1e-5
    for spec in bundle.manifest.inputs:
        assert len(inputs.feeds[spec.name]) == 7
        if spec.id_count is not None:
            assert (inputs.feeds[spec.name] != bundle.manifest.preprocessing.pad_id).all()


def test_inputs_that_golden_does_not_have_are_random_and_the_same_each_time(copied: Path) -> None:
    free_time(copied)
    bundle = open_bundle(copied)
    first, second = (choose_inputs(bundle, batch=3, length=53) for _ in range(2))
    assert (first.source, first.length, first.expected) == ("random", 53, {})
    for spec in bundle.manifest.inputs:
        feed = first.feeds[spec.name]
        assert feed.shape[:2] == (3, 53)
        assert feed.dtype == spec.dtype
        assert np.array_equal(feed, second.feeds[spec.name])
        assert spec.id_count is None or 0 <= feed.min() <= feed.max() < spec.id_count


def test_rows_of_features_and_inputs_of_several_kinds(copied: Path) -> None:
    manifest = open_bundle(copied).manifest
    (spec,) = manifest.inputs
    rules = dataclasses.replace(manifest.preprocessing, kind="sequence", max_length=None)
    inputs = (
        dataclasses.replace(spec, name="series", dtype="float32", shape=("batch", "time", 2), id_count=None),
        dataclasses.replace(spec, name="state", dtype="float32", shape=("batch", 4), id_count=None),
        dataclasses.replace(spec, name="flags", dtype="int32", shape=("batch", "axis_2"), id_count=None),
    )
    change_manifest(copied, inputs=inputs, preprocessing=rules)
    series = np.ones((2, 5, 2), np.float32)
    series[0, 1] = 0  # a padding step
    given: Mapping[str, Any] = {"series": series, "state": np.zeros((2, 4), "f4"), "flags": np.ones((2, 3), "i4")}
    case = Case("two rows", dict(given), {"y": np.array([[0.0], [1.0]], np.float32)})
    (copied / GOLDEN).write_bytes(encode_golden([case]))
    bundle = open_bundle(copied)

    found = choose_inputs(bundle, batch=3, length=5)
    assert found.source == "golden"
    assert np.array_equal(found.expected["y"], [[1.0]] * 3)
    drawn = choose_inputs(bundle, batch=3, length=None)
    assert (drawn.source, drawn.length) == ("random", 100)
    assert {name: value.shape for name, value in drawn.feeds.items()} == {
        "series": (3, 100, 2),
        "state": (3, 4),
        "flags": (3, 1),
    }
    # What the only shapes of an entry are comes before the default of 100 steps.
    assert choose_inputs(bundle, batch=1, length=None, fixed_shapes=[{"series": (1, 9, 2)}]).length == 9


def test_a_fixed_batch_is_named(copied: Path) -> None:
    (spec,) = open_bundle(copied).manifest.inputs
    change_manifest(copied, inputs=(dataclasses.replace(spec, shape=(4, *spec.shape[1:])),))
    with pytest.raises(InputError, match=r"batch 1: the model's input .* has the fixed batch 4"):
        choose_inputs(open_bundle(copied), batch=1, length=None)
