"""``inspect`` and ``bench`` on a ``.keras`` file, through the formats' entry point."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from deeprnn_edge.cli.main import main
from deeprnn_export import build_network, export
from deeprnn_export.reading.device_plugin import open_runner
from tests.support.keras_models import randomised


def test_inspect_shows_layers_and_variables(tmp_path: Path) -> None:
    model = build_network("lstm", units=(4, 3), vocabulary_size=30, embedding_size=5, steps=6)
    model.save(tmp_path / "m.keras")
    result = CliRunner().invoke(main, ["inspect", str(tmp_path / "m.keras"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [layer["cell"] for layer in found["layers"]] == [None, "lstm", "lstm", None]
    assert sum(layer["parameters"] for layer in found["layers"]) == model.count_params()
    assert found["inputs"][0]["id_count"] == 30


def test_bench_has_a_row_for_keras(tmp_path: Path) -> None:
    model = randomised(build_network("rnn", units=(4,), vocabulary_size=30, embedding_size=5, steps=6))
    model.save(tmp_path / "m.keras")
    export(model, tmp_path / "bundle", formats=["onnx"])
    words = ["bench", str(tmp_path / "bundle"), "--keras", str(tmp_path / "m.keras"), "--runs", "5", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    rows = {row["name"]: row for row in json.loads(result.stdout)["rows"]}
    assert rows.keys() == {"model.onnx", "m.keras"}
    assert all(row["status"] == "ok" for row in rows.values())
    tokens = np.ones((2, 6), np.int32)
    expected = np.asarray(model(tokens, training=False))
    np.testing.assert_allclose(
        open_runner(tmp_path / "m.keras").run({"tokens": tokens})["probability"], expected, atol=1e-6
    )
