"""The benchmark of streams: its order, checks and words, in Python and on the command line. Not its numbers."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bench.result_file import FORMAT_VERSION, to_json
from deeprnn_edge.bench.results import StreamResult
from deeprnn_edge.bench.streams import entries as stream_entries
from deeprnn_edge.bench.streams.results import Timings, make_push
from deeprnn_edge.bench.streams.run import bench_stream
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.runtimes import artifacts as sessions
from tests.support.changed_bundle import change_manifest

FEW = 20  # runs


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def only_onnx(bundle: Path, **options: Any) -> StreamResult:
    (row,) = bench_stream(bundle, artifacts=["stream.onnx"], **{"runs": FEW, **options}).rows
    return row


def timed(p50_ms: float) -> Timing:
    return Timing(1, p50_ms, p50_ms, p50_ms, p50_ms, p50_ms, p50_ms, 1.0, 1.0)


@pytest.fixture
def copied(stream_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream_bundle, tmp_path / "bundle"))


def keep_artifacts(bundle: Path, **changes_by_kind: Any) -> None:
    """Let the manifest name the ONNX artifacts alone, those of a kind changed."""
    artifacts = [artifact for artifact in open_bundle(bundle).manifest.artifacts if artifact.format == "onnx"]
    changed = [
        dataclasses.replace(artifact, **changes_by_kind[artifact.kind])
        if artifact.kind in changes_by_kind
        else artifact
        for artifact in artifacts
    ]
    change_manifest(bundle, artifacts=tuple(changed))


def start_elsewhere(bundle: Path) -> None:
    """Let the manifest say that streams begin from other states than the network's: their answers differ."""
    spec = open_bundle(bundle).manifest.stream
    assert spec is not None
    states = tuple(dataclasses.replace(state, initial=0.9) for state in spec.states)
    change_manifest(bundle, stream=dataclasses.replace(spec, states=states))


def test_every_stream_is_measured_at_every_size(stream_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has .tflite artifacts")
    lines: list[str] = []
    report = bench_stream(stream_bundle, runs=FEW, progress=lines.append)
    manifest = open_bundle(stream_bundle).manifest
    assert [row.name for row in report.rows] == [a.path for a in manifest.artifacts if a.kind == "stream"]
    assert report.options.window == manifest.preprocessing.max_length == 16
    for row in report.rows:
        assert (row.status, row.problem, row.checked_steps) == ("ok", None, 16)
        assert (row.size_bytes, row.state_bytes) == ((stream_bundle / row.name).stat().st_size, 4 * (6 + 4))
        assert row.reference == row.window.name == row.name.replace("stream", "model")
        assert row.max_abs_diff is not None
        assert row.max_abs_diff <= 1e-4 == row.atol
        assert row.window.timing is not None
        assert row.window.timing.runs == FEW
        assert [push.chunk for push in row.pushes] == [1, 10, 100]
        for push in row.pushes:
            assert push.timing is not None
            assert push.timing.runs == FEW
            assert push.step_us == pytest.approx(push.timing.p50_ms * 1e3 / push.chunk)
            assert push.real_time_factor is None
            assert (push.window_ratio is None) == (push.chunk == 100)
    assert any(line.startswith("timing 8 kinds of calls") for line in lines)


def test_a_tflite_stream_takes_multiples_of_its_own_chunk(stream_steps_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has .tflite artifacts")
    rows = {row.name: row for row in bench_stream(stream_steps_bundle, runs=FEW).rows}
    assert [push.chunk for push in rows["stream.onnx"].pushes if push.timing] == [1, 10, 100]
    pushes = rows["stream.tflite"].pushes
    assert [push.chunk for push in pushes if push.timing] == [4, 100]
    assert [push.chunk for push in pushes if push.problem == "takes 4 steps at a time; give a multiple of 4"] == [1, 10]
    (row,) = bench_stream(stream_steps_bundle, artifacts=["stream.tflite"], chunks=[8, 3, 8], runs=FEW).rows
    assert [(push.chunk, push.timing is None) for push in row.pushes] == [(3, True), (8, False)]
    with pytest.raises(InputError, match=r"chunk 1, 3: stream\.tflite takes 4 steps at a time; give a multiple of 4"):
        bench_stream(stream_steps_bundle, artifacts=["stream.tflite"], chunks=[3, 1], runs=FEW)


def test_a_window_that_is_no_multiple_is_checked_as_far_as_it_is_one(stream_steps_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has .tflite artifacts")
    rows = {row.name: row for row in bench_stream(stream_steps_bundle, window=11, runs=FEW).rows}
    tflite = rows["stream.tflite"]
    # Its counterpart takes one length alone, and not this one.
    assert (tflite.status, tflite.checked_steps, tflite.reference) == ("ok", 8, "stream.onnx")
    assert tflite.window.name is None
    assert "this TFLite artifact takes" in (tflite.window.problem or "")
    assert all(push.window_ratio is None for push in tflite.pushes)
    assert (rows["stream.onnx"].checked_steps, rows["stream.onnx"].reference) == (11, "model.onnx")


def test_a_window_shorter_than_the_chunk_of_a_file(stream_steps_bundle: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the bundle has .tflite artifacts")
    (row,) = bench_stream(stream_steps_bundle, artifacts=["stream.tflite"], window=1, runs=1).rows
    assert (row.status, row.checked_steps, row.reference) == ("ok", 4, "stream.tflite")


def test_a_batch(stream_steps_bundle: Path) -> None:
    row = only_onnx(stream_steps_bundle, batch=3, window=7)
    assert row.status == "ok"
    for push in row.pushes:
        assert push.timing is not None
        assert push.timing.rows_per_second == pytest.approx(3e3 / push.timing.mean_ms)


def test_the_arithmetic() -> None:
    timings = Timings({10: timed(0.2)}, timed(0.8))
    push = make_push(10, timings, 100, 25_000.0)
    assert push.step_us == pytest.approx(20)
    assert push.steps_per_second == pytest.approx(50_000)
    assert push.real_time_factor == pytest.approx(0.5)
    assert push.window_ratio == pytest.approx(0.25)
    assert make_push(10, timings, 10, None).window_ratio is None
    assert make_push(10, Timings({10: timed(0.2)}, None), 100, None).window_ratio is None


def test_json_holds_the_options_and_the_machine(stream_bundle: Path) -> None:
    report = bench_stream(
        stream_bundle, artifacts=["stream.onnx", "stream.onnx"], chunks=[5, 2, 5], sample_rate=50, runs=FEW
    )
    values = json.loads(to_json(report), parse_constant=pytest.fail)
    assert values["format_version"] == FORMAT_VERSION
    assert values["options"] == {
        "batch": 1,
        "chunks": [2, 5],
        "window": 16,
        "sample_rate": 50,
        "threads": 1,
        "runs": FEW,
        "seconds": None,
        "seed": 0,
    }
    assert values["machine"]["packages"]["onnxruntime"]
    (row,) = values["rows"]
    for push in row["pushes"]:
        assert push["real_time_factor"] == pytest.approx(push["step_us"] * 50e-6)


def test_other_answers_are_not_timed(copied: Path) -> None:
    keep_artifacts(copied)
    start_elsewhere(copied)
    row = only_onnx(copied)
    assert (row.status, row.pushes, row.window.timing) == ("differs", (), None)
    assert "and 0.0001 is allowed" in (row.problem or "")
    result = run(copied, "--stream", "--runs", "1")
    assert result.exit_code == 1
    assert "stream.onnx differs: output 'probability'" in result.stdout
    assert "p50" not in result.stdout
    assert "error: stream.onnx: other answers than model.onnx; see deeprnn-edge verify" in result.stderr
    json.loads(run(copied, "--stream", "--runs", "1", "--json").stdout, parse_constant=pytest.fail)


def test_the_tolerances_of_both_files_add_up(copied: Path) -> None:
    start_elsewhere(copied)
    difference = only_onnx(copied).max_abs_diff
    assert difference
    parity = dataclasses.replace(open_bundle(copied).manifest.artifacts[0].parity, atol=difference * 0.51)
    keep_artifacts(copied, sequence={"parity": parity}, stream={"parity": parity})
    row = only_onnx(copied)
    assert (row.status, row.atol) == ("ok", pytest.approx(difference * 1.02))


def test_without_a_counterpart_the_reference_is_the_stream_in_one_chunk(copied: Path) -> None:
    artifacts = open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=tuple(artifact for artifact in artifacts if artifact.path == "stream.onnx"))
    (row,) = bench_stream(copied, runs=FEW).rows
    assert (row.status, row.reference) == ("ok", "stream.onnx")
    assert row.window.problem == "the bundle has no onnx fp32 file for whole sequences"
    assert "stream.onnx has no re-run beside it: the bundle has no" in run(copied, "--stream", "--runs", "1").stdout


def test_streams_are_timed_in_the_session_that_ships(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: dict[str, bool] = {}
    original = sessions.open_session

    def watched(content: bytes, *, path: str, steps: bool = False, **more: Any) -> Any:
        opened[path] = steps
        return original(content, path=path, steps=steps, **more)

    monkeypatch.setattr(sessions, "open_session", watched)
    bench_stream(copied, runs=1)
    assert opened == {path: path.startswith("stream") for path in opened}
    assert {"model.onnx", "stream.onnx"} <= opened.keys()


def test_a_stream_whose_runtime_is_missing_is_skipped(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = stream_entries.open_content

    def without_litert(content: bytes, artifact: Artifact, *, threads: int) -> Any:
        if artifact.format == "tflite":
            raise MissingExtraError("needs LiteRT")
        return original(content, artifact, threads=threads)

    monkeypatch.setattr(stream_entries, "open_content", without_litert)
    rows = {row.format: row for row in bench_stream(copied, runs=1).rows}
    assert (rows["onnx"].status, rows["tflite"].status, rows["tflite"].problem) == ("ok", "skipped", "needs LiteRT")
    with pytest.raises(MissingExtraError, match="needs LiteRT"):
        bench_stream(copied, artifacts=["stream.tflite"], runs=1)


@pytest.mark.parametrize("name", ["stream.onnx", "model.onnx"])
def test_an_altered_file_is_an_error(copied: Path, name: str) -> None:
    with (copied / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="truncated or was replaced"):
        only_onnx(copied)


def test_a_model_of_another_batch(copied: Path) -> None:
    spec = open_bundle(copied).manifest.stream
    assert spec is not None
    inputs = tuple(dataclasses.replace(one, shape=(1, *one.shape[1:])) for one in spec.inputs)
    change_manifest(copied, stream=dataclasses.replace(spec, inputs=inputs))
    assert only_onnx(copied).status == "ok"
    with pytest.raises(InputError, match="batch of 1"):
        only_onnx(copied, batch=2)


def test_the_tables(stream_bundle: Path) -> None:
    result = run(stream_bundle, "--stream", "--artifact", "stream.onnx", "--runs", str(FEW), "--sample-rate", "100")
    assert result.exit_code == 0
    assert result.stdout.count("stream.onnx") == 1 + 3
    for word in ("state bytes", "step us", "steps/s", "real-time factor", "of re-run", "100 steps a second", "%"):
        assert word in result.stdout
    assert "timing" in result.stderr
    assert "real-time" not in run(stream_bundle, "--stream", "--artifact", "stream.onnx", "--runs", "1").stdout


def test_json_and_a_file(stream_bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.json"
    result = run(
        stream_bundle, "--stream", "--artifact", "stream.onnx", "--chunk", "3", "--runs", "2", "--json", "-o", target
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(target.read_text(encoding="utf-8"))
    assert [push["chunk"] for push in json.loads(result.stdout)["rows"][0]["pushes"]] == [3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sample-rate", "100"], "--sample-rate is for streams: add --stream, or leave it out"),
        (["--window", "10"], "--window is for streams"),
        (["--chunk", "10"], "--chunk is for streams"),
        (["--stream", "--length", "10"], "--length is for whole sequences: with --stream, give --window"),
        (["--stream", "--keras", "gru.keras"], "--keras is for whole sequences: with --stream, leave it out"),
        (["--stream", "--sample-rate", "0"], "sample rate 0: give a number of steps a second above 0"),
        (["--stream", "--sample-rate", "nan"], "sample rate nan: give a number"),
        (["--stream", "--sample-rate", "inf"], "sample rate inf: give a number"),
        (["--stream", "--chunk", "2", "--chunk", "0"], "chunk 0: give at least 1"),
        (["--stream", "--window", "-1"], "window -1: give at least 1"),
        (["--stream", "--batch", "0"], "batch 0: give at least 1"),
        (["--stream", "--runs", "1", "--seconds", "1"], "give one of the two"),
        (["--stream", "--artifact", "model.onnx"], "model.onnx takes whole sequences; the bundle's streams are"),
        (["--stream", "--artifact", "gone.onnx"], "has no artifact 'gone.onnx'"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(stream_bundle: Path, arguments: list[str], message: str) -> None:
    result = run(stream_bundle, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_a_bundle_without_streams(bundle_path: Path) -> None:
    result = run(bundle_path, "--stream")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no stream artifacts; export the model again with: deeprnn-edge export MODEL --stream" in result.stderr
