"""Every engine answers as Keras does, on networks that the benchmark has in a larger size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.entries import ENTRIES
from benchmarks.peers.jobs import make_all
from benchmarks.peers.measuring import measure
from benchmarks.peers.workloads import Network, Workload
from tests.support.shared import made_once

MASKED = Workload("masked", "", "seed", Network("gru", (5, 3), steps=6, masked=True), batch=1, lengths="reviews")
STREAM = Workload("stream", "", "stream", Network("lstm", (5, 3, 3), steps=6))
BATCH = Workload("batch", "", "sensor", Network("rnn", (4, 4), steps=6, features=3, outputs=5), batch=3)
# The Keras export's Loop is more than OpenVINO takes, and the stock converter's file takes one row.
MAY_FAIL = {"openvino-keras": "Loop", "stock-tflite": "one row", "stock-tflite-unrolled": "one row"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Network, dict[str, str | None]]]:
    return made_once(
        tmp_path_factory,
        "peers",
        lambda folder: make_all([MASKED, STREAM, BATCH], ENTRIES, folder, progress=lambda _: None),
    )


@pytest.mark.slow
@pytest.mark.parametrize("workload", [MASKED, STREAM, BATCH], ids=lambda one: one.name)
def test_every_engine_answers_as_keras_does(made: Any, workload: Workload) -> None:
    folder, files = made
    network = workload.network
    assert {route: problem for route, problem in files[network].items() if problem} == {}
    chosen = [one for one in ENTRIES if one.takes(workload)]
    rows = measure(workload, chosen, files[network], folder / network.key, seconds=0.01, progress=lambda _: None)
    for entry, row in zip(chosen, rows, strict=True):
        if entry.missing():
            assert row.status == "missing"
        elif row.status == "failed":
            assert MAY_FAIL[row.name] in str(row.problem)
        else:
            assert (row.status, row.problem) == ("ok", None), row
            assert row.timing is not None
    ran = {row.name for row in rows if row.status == "ok"}
    assert ran >= {"ours-onnx", "ours-tflite", "keras-function", "keras-predict", "keras-onnx", "tf2onnx"}
