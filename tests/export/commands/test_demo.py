"""The demo on a slice of the reviews and one cell: every step of it, in seconds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deeprnn_edge.cli.main import main
from deeprnn_export.commands import demo as command
from deeprnn_export.commands import demonstration as demo
from deeprnn_export.datasets.catalogue import load_dataset

ROWS = 320


@pytest.mark.slow
@pytest.mark.usefixtures("convert_in_process")
def test_the_demo_measures_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = load_dataset("reviews")
    small = dataclasses.replace(
        full,
        x_train=full.x_train[:ROWS],
        y_train=full.y_train[:ROWS],
        x_test=full.x_test[:ROWS],
        y_test=full.y_test[:ROWS],
    )
    monkeypatch.setattr(demo, "load_dataset", lambda _: small)
    monkeypatch.setattr(demo, "CELLS", {"rnn": "SimpleRNN"})
    monkeypatch.setattr(demo, "_BENCH_SECONDS", 0.1)
    results = []
    run_demo = demo.run_demo
    monkeypatch.setattr(demo, "run_demo", lambda *a, **k: results.append(run_demo(*a, **k)) or results[-1])
    words = ["demo", "-o", str(tmp_path / "demo"), "--sentence", "a gorgeous, moving film", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert row["parameters"] == 322_881
    assert row["recurrent_parameters"] == 2_881
    assert row["onnx"]["accuracy"] == row["tflite"]["accuracy"] == row["accuracy"]
    assert row["onnx"]["size_bytes"] == (tmp_path / "demo" / "rnn" / "model.onnx").stat().st_size
    assert row["onnx"]["p50_us"] > 0
    assert row["keras"]["p50_us"] > 0

    table = command.comparison(results[0])
    assert all(name in table for name in ("Keras", "ONNX", "TFLite", "SimpleRNN", "322,881"))
    assert f"{row['onnx']['p50_us']:,.0f} us" in table

    answered = CliRunner().invoke(main, ["predict", str(tmp_path / "demo" / "rnn"), "a gorgeous, moving film"])
    assert "positive" in answered.stdout or "negative" in answered.stdout
