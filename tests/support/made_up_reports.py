"""Benchmarks that nobody ran: their times are as a test wants them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.results import (
    BenchOptions,
    BenchReport,
    BenchResult,
    PushResult,
    StreamBenchOptions,
    StreamBenchReport,
    StreamResult,
    WindowResult,
)
from deeprnn_edge.bench.timing import NOISY_SPREAD, Timing, block_spread

OLD = Path("old.json")
QUIET = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005, 1.0, 0.99, 1.01, 1.0)
BUSY = (1.0, 2.2, 1.1, 1.9, 1.0, 2.5, 1.3, 1.0, 1.8, 1.2)
MACHINE = {
    "cpu": {"model": "Cortex-A76", "physical_cores": 4, "logical_cores": 4, "governor": "performance"},
    "board": "Raspberry Pi 5",
    "architecture": "aarch64",
    "packages": {"onnxruntime": "1.20.0"},
}


def timed(blocks: Sequence[float] = QUIET, *, scale: float = 1.0) -> Timing:
    values = tuple(scale * value for value in blocks)
    median, spread = float(np.median(values)), block_spread(values)
    noisy = spread is not None and spread > NOISY_SPREAD
    whole = Timing(100, median, median, median, median, median, median, rows_per_second=1e3, cpu_seconds_per_call=0.0)
    return dataclasses.replace(
        whole, block_p50_ms=values, block_p95_ms=values, block_mean_ms=values, spread=spread, noisy=noisy
    )


def row(name: str = "model.onnx", timing: Timing | None = None, **changes: Any) -> BenchResult:
    start = Probe(load_ms=2.0, first_call_ms=0.5, resident_added_bytes=1000, resident_bytes=5000)
    values: dict[str, Any] = {"start": start, "timing": timed() if timing is None else timing, **changes}
    return BenchResult(
        name, name.split(".")[-1], "fp32", values.pop("size_bytes", 4000), values.pop("status", "ok"), **values
    )


def report(*rows: BenchResult, **changes: Any) -> BenchReport:
    options = BenchOptions(batch=1, length=16, threads=1, runs=100, seconds=None, seed=0)
    whole = BenchReport("bundle", "gru", options, {"ids": (1, 16)}, "golden", "golden.npz", rows or (row(),), MACHINE)
    return dataclasses.replace(whole, **changes)


def streamed(p50: dict[int, float], **changes: Any) -> StreamBenchReport:
    pushes = tuple(PushResult(chunk, timed(scale=scale)) for chunk, scale in p50.items())
    stream = StreamResult("stream.onnx", "onnx", "fp32", 5000, 40, "ok", WindowResult(problem="none"), pushes=pushes)
    options = StreamBenchOptions(1, changes.pop("chunks", None), 16, None, 1, 100, None, 0)
    return StreamBenchReport("bundle", "gru", options, (stream,), changes.pop("machine", MACHINE))
