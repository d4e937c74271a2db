"""Measurements to make reports from: of the fixtures' files, with made-up times."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from deeprnn_edge.bench import results
from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.result_file import to_json
from deeprnn_edge.bench.streams.results import Timings, make_push
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.bundle import open_bundle

MACHINE = {
    "cpu": {"model": "Some Processor"},
    "board": None,
    "os": "Some Linux",
    "packages": {"onnxruntime": "1.26.0"},
}


def make_timing(p50_ms: float) -> Timing:
    return Timing(
        runs=100,
        p50_ms=p50_ms,
        p90_ms=p50_ms * 1.1,
        p95_ms=p50_ms * 1.3,
        p99_ms=p50_ms * 2,
        mean_ms=p50_ms * 1.05,
        min_ms=p50_ms * 0.9,
        rows_per_second=1e3 / p50_ms,
        cpu_seconds_per_call=p50_ms / 1e3,
    )


def write_bench(bundle: Path, path: Path, *, batch: int = 1, length: int = 12, board: str | None = None) -> Path:
    """What ``bench`` would write of the bundle's files for whole sequences, and of a Keras file beside them."""
    manifest = open_bundle(bundle).manifest
    files = [artifact for artifact in manifest.artifacts if artifact.kind == "sequence"]
    rows = [
        results.BenchResult(
            name=artifact.path,
            format=artifact.format,
            precision=artifact.precision,
            size_bytes=artifact.size_bytes,
            status="ok",
            max_abs_diff=1e-7,
            start=Probe(5.0 + index, 0.5, 2_000_000, 60_000_000),
            timing=make_timing(0.02 * (index + 1) * batch * length / 12),
        )
        for index, artifact in enumerate(files)
    ]
    rows.append(results.BenchResult("model.keras", "keras", None, 30_000, "skipped", problem="no workshop"))
    report = results.BenchReport(
        bundle=str(bundle),
        name=manifest.name,
        options=results.BenchOptions(batch, length, 1, None, 0.1, 0),
        inputs={"tokens": (batch, length)},
        input_source="random",
        reference="golden.npz",
        rows=tuple(rows),
        machine={**MACHINE, "board": board},
    )
    path.write_text(to_json(report), encoding="utf-8")
    return path


def write_stream_bench(bundle: Path, path: Path) -> Path:
    """What ``bench --stream`` would write."""
    manifest = open_bundle(bundle).manifest
    timings = Timings({1: make_timing(0.01), 10: make_timing(0.03)}, make_timing(0.05))
    rows = [
        results.StreamResult(
            name=artifact.path,
            format=artifact.format,
            precision=artifact.precision,
            size_bytes=artifact.size_bytes,
            state_bytes=96,
            status="ok",
            window=results.WindowResult("model.onnx", timings.window),
            pushes=(
                *(make_push(size, timings, 12, None) for size in (1, 10)),
                results.PushResult(7, problem="takes 2 steps at a time"),
            ),
        )
        for artifact in manifest.artifacts
        if artifact.kind == "stream"
    ]
    options = results.StreamBenchOptions(1, None, 12, None, 1, None, 0.1, 0)
    report = results.StreamBenchReport(str(bundle), manifest.name, options, tuple(rows), MACHINE)
    path.write_text(to_json(report), encoding="utf-8")
    return path


def write_all(bundle: Path, folder: Path) -> list[Path]:
    """Two batches and two lengths on one device, another device, and the streams where there are any."""
    paths = [
        write_bench(bundle, folder / "a.json"),
        write_bench(bundle, folder / "b.json", batch=8),
        write_bench(bundle, folder / "c.json", length=48),
        write_bench(bundle, folder / "d.json", board="Some Board"),
    ]
    if open_bundle(bundle).manifest.stream is not None:
        paths.append(write_stream_bench(bundle, folder / "e.json"))
    return paths


def change_json(path: Path, **changes: Any) -> Path:
    """Set fields; ``a__0__b`` is the field ``b`` of the first of ``a``."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    for name, value in changes.items():
        *where, last = name.split("__")
        inner = raw
        for key in where:
            inner = inner[int(key) if key.isdecimal() else key]
        inner[last] = dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path
