"""A target that one folder brings: it exports, gates, loads and is timed, and no file of the product knows of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.errors import InputError, ParityError, UnsupportedModelError
from deeprnn_edge.runtimes import RUNTIMES
from deeprnn_export import export
from deeprnn_export.targets import TARGETS
from tests.support.keras_models import randomised
from tests.support.made_up_format.target import TARGET
from tests.support.workshop import assert_untouched, run


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, TARGET.name, TARGET)
    monkeypatch.setitem(RUNTIMES, TARGET.name, TARGET.runtime)


def network(layer: type[keras.layers.RNN] = keras.layers.SimpleRNN) -> keras.Model:
    return randomised(keras.Sequential([keras.Input((None, 2), name="x"), layer(3, name="h")]))


def test_from_the_command_line_to_an_answer(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "elman.keras")
    words = ["--format", TARGET.name, "--precision", "fp32", "--precision", "half", "--json"]
    done = run("export", tmp_path / "elman.keras", "-o", tmp_path / "b", *words)
    assert done.exit_code == 0, done.output
    manifest = json.loads(done.stdout)
    assert [one["path"] for one in manifest["artifacts"]] == ["model.npzrnn", "model.half.npzrnn"]
    assert manifest["artifacts"][0]["operators"]["Recur"] == 1
    assert manifest["created_with"]["numpy"] == np.__version__
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    expected = np.asarray(model(x))
    exact, rounded = (deeprnn_edge.load(tmp_path / "b", artifact=one["path"]) for one in manifest["artifacts"])
    np.testing.assert_allclose(exact.predict(x), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(rounded.predict(x), expected, rtol=0, atol=manifest["artifacts"][1]["parity"]["atol"])
    assert all(report.passed for report in deeprnn_edge.verify(tmp_path / "b", trusted=True))
    report = bench(tmp_path / "b", runs=2, length=4)
    assert [row.timing is not None for row in report.rows if row.format == TARGET.name] == [True, True]


def test_what_answers_otherwise_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = network()

    def wrong(given: object) -> object:
        return TARGET.convert(dataclasses.replace(given, model=other))  # type: ignore[type-var]

    monkeypatch.setitem(TARGETS, TARGET.name, dataclasses.replace(TARGET, convert=wrong))
    model = network()
    model.layers[-1].set_weights([-values for values in model.layers[-1].get_weights()])
    with pytest.raises(ParityError, match="comparisons with Keras failed"):
        export(model, tmp_path / "b", formats=[TARGET.name])
    assert_untouched(tmp_path)


def test_what_it_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="layer 'h' is a GRU: the format has one cell, Elman's; export it"):
        export(network(keras.layers.GRU), tmp_path / "b", formats=[TARGET.name])
    with pytest.raises(InputError, match="npzrnn has no precision int8; it has fp32, half"):
        export(network(), tmp_path / "b", formats=[TARGET.name], precisions=["int8"])
    assert_untouched(tmp_path)
