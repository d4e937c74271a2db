"""What is measured in a fresh process, and what starts there before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.cold_start import probe_artifact, resident_bytes
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.artifacts import start_runtime


def test_an_artifact_starts_in_a_process_of_its_own(bundle_path: Path) -> None:
    (spec,) = open_bundle(bundle_path).manifest.inputs
    feeds = {spec.name: np.ones((1, *spec.shape[1:]), spec.dtype)}
    probe = probe_artifact(bundle_path, "model.onnx", feeds, threads=2)
    assert probe.load_ms > 0
    assert probe.first_call_ms > 0
    if sys.platform == "linux":
        assert probe.resident_bytes is not None
        assert probe.resident_added_bytes is not None
        assert probe.resident_bytes > probe.resident_added_bytes


def test_a_fresh_process_that_fails_says_what_it_said(bundle_path: Path) -> None:
    with pytest.raises(InputError, match=r"ended with code 1: .*no artifact 'gone\.onnx'"):
        probe_artifact(bundle_path, "gone.onnx", {})


@pytest.mark.parametrize("file_format", ["onnx", "tflite"])
def test_the_models_that_start_a_runtime_run(file_format: Any) -> None:
    if file_format == "tflite":
        pytest.importorskip("ai_edge_litert", reason="the warm-up of LiteRT")
    start_runtime(file_format)


def test_resident_bytes_are_of_this_process() -> None:
    resident = resident_bytes()
    assert resident is None or resident > 1_000_000
