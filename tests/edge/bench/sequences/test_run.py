"""The benchmark's order, checks and words. Not its numbers: those are the machine's."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.result_file import FORMAT_VERSION, to_json
from deeprnn_edge.bench.sequences import entries as entries
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.inspection import plugins as formats
from deeprnn_edge.runtimes.artifacts import open_artifact
from tests.support.changed_bundle import change_manifest, free_time


@pytest.fixture
def no_probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Without the fresh processes, for the tests that are about something else."""
    probe = Probe(load_ms=1.0, first_call_ms=2.0, resident_added_bytes=3, resident_bytes=4)
    monkeypatch.setattr(entries, "probe_artifact", lambda *_, **__: probe)
    return probe


@pytest.fixture
def copied(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "bundle"))


def paths(bundle: Path) -> list[str]:
    return [artifact.path for artifact in open_bundle(bundle).manifest.artifacts]


def fixed_length(bundle: Path) -> int:
    """The time steps that the TFLite artifact takes."""
    pytest.importorskip("ai_edge_litert", reason="the bundle has a .tflite artifact")
    opened = open_bundle(bundle)
    artifact = next(artifact for artifact in opened.manifest.artifacts if artifact.format == "tflite")
    return next(iter(open_artifact(opened, artifact).fixed_shapes.values()))[1]


def test_every_artifact_is_measured(bundle_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has a .tflite artifact")
    lines: list[str] = []
    report = bench(bundle_path, runs=25, progress=lines.append)
    assert [row.name for row in report.rows] == paths(bundle_path)
    for row in report.rows:
        assert (row.status, row.problem) == ("ok", None)
        assert row.size_bytes == (bundle_path / row.name).stat().st_size
        assert row.max_abs_diff is not None
        assert row.max_abs_diff <= 1e-4
        assert row.timing is not None
        timing = row.timing
        assert timing.runs == 25
        assert 0 < timing.min_ms <= timing.p50_ms <= timing.p90_ms <= timing.p95_ms <= timing.p99_ms
        assert timing.min_ms <= timing.mean_ms
        assert timing.rows_per_second == pytest.approx(1e3 / timing.mean_ms)
        assert timing.cpu_seconds_per_call >= 0
        assert row.start is not None
        assert row.start.load_ms > 0
        assert row.start.first_call_ms > 0
        if sys.platform == "linux":
            assert row.start.resident_bytes is not None
            assert row.start.resident_bytes > 1_000_000
    assert report.reference == "golden.npz"
    assert any(line.startswith("timing") for line in lines)


def test_json_holds_the_machine_and_the_options(bundle_path: Path, no_probe: Probe) -> None:
    report = bench(bundle_path, artifacts=["model.onnx"], batch=2, runs=3)
    values = json.loads(to_json(report))
    assert values["format_version"] == FORMAT_VERSION
    assert values["options"]["batch"] == 2
    assert values["options"]["seed"] == 0
    assert values["machine"]["packages"]["onnxruntime"]
    assert values["machine"]["cpu"]["logical_cores"]
    assert values["rows"][0]["start"] == dataclasses.asdict(no_probe)
    assert values["rows"][0]["timing"]["runs"] == 3
    assert [shape[0] for shape in values["inputs"].values()] == [2]


def test_a_zipped_bundle(bundle_path: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for path in bundle_path.iterdir():
            archive.write(path, path.name)
    (row,) = bench(tmp_path / "bundle.zip", artifacts=["model.onnx"], runs=2).rows
    assert (row.status, row.problem) == ("ok", None)
    assert row.start is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch 0: give at least 1"),
        ({"threads": 0}, "threads 0: give at least 1"),
        ({"threads": 10**9}, "threads 1000000000: give at most"),
        ({"length": 0}, "length 0: give at least 1"),
        ({"runs": 0}, "runs 0: give at least 1"),
        ({"seconds": 0.0}, "seconds 0: give a number above 0"),
        ({"seconds": -1.0}, "seconds -1: give"),
        ({"seconds": float("nan")}, "seconds nan: give"),
        ({"seconds": float("inf")}, "seconds inf: give"),
        ({"runs": 1, "seconds": 1.0}, "give one of the two"),
        (
            {"seconds": 1e-9},
            r"seconds 1e-09 leaves no time for one call of model\.\w+, which takes .* s; give at least",
        ),
        ({"keras": "model.pt"}, r"model\.pt is no \.keras or \.h5 file"),
        ({"keras": "gone.keras"}, r"no such file: gone\.keras"),
        ({"artifacts": ["model.int1.onnx"]}, r"no artifact 'model\.int1\.onnx'; it has"),
    ],
)
def test_options_that_cannot_be_used(bundle_path: Path, no_probe: Probe, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bench(bundle_path, **options)


def test_a_length_for_a_model_of_fixed_time_names_the_fixed_length(copied: Path, no_probe: Probe) -> None:
    length = fixed_length(copied)
    manifest = open_bundle(copied).manifest
    inputs = tuple(dataclasses.replace(spec, shape=("batch", length, *spec.shape[2:])) for spec in manifest.inputs)
    change_manifest(copied, inputs=inputs)
    assert bench(copied, artifacts=["model.onnx"], length=length, runs=1).options.length == length
    with pytest.raises(InputError, match=rf"length {length + 1}: the model's time axis is fixed; .*{length}"):
        bench(copied, length=length + 1)


class FreeSession:
    """Takes any length, and answers 0 to it."""

    fixed_shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})

    def __init__(self, output: str) -> None:
        self.output = output

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return {self.output: np.zeros((len(next(iter(feeds.values()))), 1), np.float32)}


def test_a_length_that_an_artifact_does_not_take_is_its_reason(
    copied: Path, no_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_time(copied)
    length = fixed_length(copied) + 1
    original, free = entries.open_session, FreeSession(open_bundle(copied).manifest.outputs[0].name)
    monkeypatch.setattr(
        entries,
        "open_session",
        lambda c, *, kind, **more: free if kind == "onnx" else original(c, kind=kind, **more),
    )
    rows = {row.format: row for row in bench(copied, length=length, runs=1).rows}
    assert (rows["onnx"].status, rows["tflite"].status, rows["tflite"].timing) == ("ok", "skipped", None)
    assert "this TFLite artifact takes" in (rows["tflite"].problem or "")
    with pytest.raises(InputError, match="this TFLite artifact takes"):
        bench(copied, artifacts=["model.tflite"], length=length, runs=1)


def test_a_batch_is_so_many_rows_of_an_artifact_of_batch_1(bundle_path: Path, no_probe: Probe) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has a .tflite artifact")
    report = bench(bundle_path, batch=5, runs=2)
    assert all(shape[0] == 5 for shape in report.inputs.values())
    for row in report.rows:
        assert row.timing is not None
        assert row.timing.rows_per_second == pytest.approx(5e3 / row.timing.mean_ms)


def test_other_answers_than_the_golden_ones_are_not_timed(copied: Path, no_probe: Probe) -> None:
    cases = decode_golden((copied / GOLDEN).read_bytes())
    wrong = [
        Case(c.name, c.inputs, {name: value + np.float32(0.01) for name, value in c.outputs.items()}) for c in cases
    ]
    (copied / GOLDEN).write_bytes(encode_golden(wrong))
    (row,) = bench(copied, artifacts=["model.onnx"], runs=1).rows
    assert (row.status, row.timing, row.start) == ("differs", None, None)
    assert row.max_abs_diff == pytest.approx(0.01, rel=0.01)
    assert "and 0.0001 is allowed" in (row.problem or "")


def test_an_artifact_with_a_wider_tolerance_keeps_it(copied: Path, no_probe: Probe) -> None:
    cases = decode_golden((copied / GOLDEN).read_bytes())
    wrong = [
        Case(c.name, c.inputs, {name: value + np.float32(0.01) for name, value in c.outputs.items()}) for c in cases
    ]
    (copied / GOLDEN).write_bytes(encode_golden(wrong))
    artifacts = open_bundle(copied).manifest.artifacts
    wide = tuple(dataclasses.replace(a, parity=dataclasses.replace(a.parity, atol=0.05)) for a in artifacts)
    change_manifest(copied, artifacts=wide)
    assert bench(copied, artifacts=["model.onnx"], runs=1).rows[0].status == "ok"


def test_an_artifact_whose_runtime_is_missing_is_skipped(
    bundle_path: Path, no_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = entries.open_session

    def without_litert(content: bytes, *, kind: str, path: str, threads: int, delegates: bool) -> Any:
        if kind == "tflite":
            raise MissingExtraError("needs LiteRT")
        return original(content, kind=kind, path=path, threads=threads, delegates=delegates)

    monkeypatch.setattr(entries, "open_session", without_litert)
    rows = {row.format: row for row in bench(bundle_path, runs=1).rows}
    assert (rows["onnx"].status, rows["tflite"].status, rows["tflite"].problem) == ("ok", "skipped", "needs LiteRT")
    with pytest.raises(MissingExtraError, match="needs LiteRT"):
        bench(bundle_path, artifacts=["model.tflite"], runs=1)


def test_an_altered_artifact_is_an_error(copied: Path) -> None:
    with (copied / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="truncated or was replaced"):
        bench(copied)


def test_stream_artifacts_are_left_out_unless_they_are_named(copied: Path, no_probe: Probe) -> None:
    artifacts = open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=(artifacts[0], dataclasses.replace(artifacts[1], kind="stream")))
    assert [row.name for row in bench(copied, runs=1).rows] == [artifacts[0].path]
    row = bench(copied, artifacts=[artifact.path for artifact in artifacts], runs=1).rows[1]
    assert (row.status, row.problem) == (
        "skipped",
        f"{row.name} goes on from chunk to chunk, and bench times whole sequences: add stream=True",
    )
    with pytest.raises(InputError, match="goes on from chunk to chunk"):
        bench(copied, artifacts=[artifacts[1].path], runs=1)


def test_a_bundle_of_streams_alone(copied: Path) -> None:
    artifacts = open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=tuple(dataclasses.replace(artifact, kind="stream") for artifact in artifacts))
    with pytest.raises(InputError, match="has stream artifacts alone: add stream=True"):
        bench(copied)


def test_keras_is_a_row_where_a_package_runs_it(
    bundle_path: Path, tmp_path: Path, no_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_bundle(bundle_path)
    session = open_artifact(opened, opened.artifact("model.onnx"))
    module = SimpleNamespace(open_runner=lambda _: session)
    point = SimpleNamespace(name=".keras", load=lambda: module)
    monkeypatch.setattr(formats, "entry_points", lambda **_: [point])
    monkeypatch.setattr(formats, "require_workshop", lambda _: None)
    monkeypatch.setattr(entries, "probe_file", lambda *_: no_probe)
    (tmp_path / "gru.keras").write_bytes(b"12345")
    row = bench(bundle_path, artifacts=["model.onnx"], keras=tmp_path / "gru.keras", runs=2).rows[-1]
    assert (row.name, row.format, row.precision, row.size_bytes) == ("gru.keras", "keras", None, 5)
    assert (row.status, row.start) == ("ok", no_probe)
    assert row.timing is not None


def test_a_failed_start_does_not_cost_the_row_its_latency(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Probe:
        raise InputError("a fresh process that loads it ended with code -9: no message")

    monkeypatch.setattr(entries, "probe_artifact", fail)
    (row,) = bench(bundle_path, artifacts=["model.onnx"], runs=1).rows
    assert (row.status, row.start) == ("ok", None)
    assert "code -9" in (row.problem or "")
    assert row.timing is not None
