"""Which artifact is chosen, and why not the others. The latencies are stated, not measured, but in one test."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.sequences import entries as entries
from deeprnn_edge.bench.sequences import run as benchmarking
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.artifact import Evaluation
from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.choice.budgets import Measure
from deeprnn_edge.choice.choose import FORMAT_VERSION, Choice, choose, to_json
from deeprnn_edge.errors import InputError, MissingExtraError
from deeprnn_edge.runtimes.session import Session
from tests.support.changed_bundle import change_manifest

# Name, bytes added to the file, change of accuracy in points, latency in ms.
NETWORKS: tuple[tuple[str, int, float | None, float], ...] = (
    ("model.onnx", 3000, 0.0, 0.020),
    ("model.fp16.onnx", 1500, 0.1, 0.040),
    ("model.int8.onnx", 0, -0.4, 0.030),
    ("model.int4.onnx", 0, -2.5, 0.025),
    ("model.fast.onnx", 4000, None, 0.010),
)


def evaluation(change_points: float) -> Evaluation:
    return Evaluation("reviews", 1000, 0.9 + change_points / 100, 0.9, change_points, 3, 0.001, 0.01)


def padded_onnx(content: bytes, size: int) -> bytes:
    """The same model with ``size`` bytes more, 4 at least: ModelProto's doc_string, field 6, of that length."""
    if not size:
        return content
    length = size - 3
    return content + bytes([0x32, length & 0x7F | 0x80, length >> 7]) + b"x" * length


@pytest.fixture
def bundle(bundle_path: Path, tmp_path: Path) -> Path:
    """A bundle of several ONNX artifacts: one network, in files of several sizes."""
    target = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    manifest = open_bundle(target).manifest
    original = (target / "model.onnx").read_bytes()
    artifacts = []
    for name, more, change, _ in NETWORKS:
        content = padded_onnx(original, more)
        (target / name).write_bytes(content)
        artifacts.append(
            dataclasses.replace(
                manifest.artifacts[0],
                path=name,
                precision=name.split(".")[1] if name.count(".") > 1 else "fp32",
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                evaluation=None if change is None else evaluation(change),
            )
        )
    change_manifest(target, artifacts=tuple(artifacts))
    return target


@pytest.fixture
def stated_latencies(monkeypatch: pytest.MonkeyPatch) -> None:
    latencies = {name: latency for name, _, _, latency in NETWORKS}

    def state(calls: Mapping[str, Any], **_: Any) -> dict[str, Timing]:
        return {name: Timing(1, latencies[name], *[latencies[name]] * 5, 1.0, 0.0) for name in calls}

    monkeypatch.setattr(benchmarking, "time_alternating", state)


def size_of(bundle: Path, name: str) -> int:
    return (bundle / name).stat().st_size


def verdicts(choice: Choice) -> dict[str, str]:
    return {one.path: one.verdict for one in choice.artifacts}


def reason(choice: Choice, path: str) -> str:
    return "; ".join(next(one.reasons for one in choice.artifacts if one.path == path))


def test_what_was_measured_is_real(bundle: Path) -> None:
    choice = choose(bundle, seconds=0.01)
    for entry, (name, _, change, _) in zip(choice.artifacts, NETWORKS, strict=True):
        assert (entry.path, entry.size_bytes) == (name, size_of(bundle, name))
        assert entry.accuracy_change_points == change
        assert entry.latency_ms is not None
        assert 0 < entry.latency_ms < float("inf")
        assert entry.max_abs_diff is not None
        assert entry.max_abs_diff <= 1e-4
    assert choice.reference == "golden.npz"
    assert choice.machine["packages"]["onnxruntime"]


def test_no_process_is_started(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "probe_artifact", lambda *_, **__: pytest.fail("a fresh process was started"))
    assert choose(bundle, seconds=0.01).chosen


@pytest.mark.parametrize(
    ("prefer", "chosen"),
    [("size", "model.int4.onnx"), ("latency", "model.fast.onnx"), ("accuracy", "model.fp16.onnx")],
)
def test_without_budgets_the_preference_decides(
    bundle: Path, stated_latencies: None, prefer: Measure, chosen: str
) -> None:
    choice = choose(bundle, prefer=prefer)
    assert (choice.chosen, choice.miss) == (chosen, None)
    others = {"not evaluated"} if prefer == "accuracy" else set()
    assert set(verdicts(choice).values()) == {"chosen", "fits", *others}
    assert [one.path for one in choice.artifacts if not one.reasons] == [chosen]


# An oracle of one line for each preference, over every set of budgets.
RANKS: dict[str, Any] = {
    "size": lambda a: (a[1], a[3]),
    "latency": lambda a: (a[3], a[1]),
    "accuracy": lambda a: (-a[2], a[1], a[3]),
}


@pytest.mark.parametrize("prefer", ["size", "latency", "accuracy"])
@pytest.mark.parametrize("more_bytes", [None, 0, 1500, 3000])
@pytest.mark.parametrize("latency", [None, 0.010, 0.025, 0.03])
@pytest.mark.parametrize("drop", [None, 0.0, 0.4, 3.0])
def test_the_best_of_those_within_the_budgets(
    bundle: Path,
    stated_latencies: None,
    prefer: Measure,
    more_bytes: int | None,
    latency: float | None,
    drop: float | None,
) -> None:
    fitting = [
        one
        for one in NETWORKS
        if (more_bytes is None or one[1] <= more_bytes)
        and (latency is None or one[3] <= latency)
        and (drop is None or (one[2] is not None and -one[2] <= drop))
        and (prefer != "accuracy" or one[2] is not None)
    ]
    expected = min(fitting, key=RANKS[prefer])[0] if fitting else None
    choice = choose(
        bundle,
        max_size_bytes=None if more_bytes is None else size_of(bundle, "model.int8.onnx") + more_bytes,
        max_latency_ms=latency,
        max_accuracy_drop_points=drop,
        prefer=prefer,
    )
    assert choice.chosen == expected
    assert (choice.miss is None) == bool(fitting)
    assert {path for path, verdict in verdicts(choice).items() if verdict in ("chosen", "fits")} == {
        one[0] for one in fitting
    }
    assert all(one.reasons for one in choice.artifacts if one.path != expected)


def test_the_reasons(bundle: Path, stated_latencies: None) -> None:
    choice = choose(bundle, max_size_bytes=8_000, max_latency_ms=0.035, max_accuracy_drop_points=0.5)
    small, large = size_of(bundle, "model.int8.onnx"), size_of(bundle, "model.fast.onnx")
    assert choice.chosen == "model.int8.onnx"
    assert reason(choice, "model.onnx") == (
        f"fits, but is larger than model.int8.onnx: {small + 3000:,} bytes against {small:,} bytes"
    )
    assert reason(choice, "model.fp16.onnx") == "latency 0.04 ms, 0.005 ms over the budget of 0.035 ms"
    assert reason(choice, "model.int4.onnx") == "accuracy drop 2.5 points, 2 points over the budget of 0.5 points"
    assert reason(choice, "model.fast.onnx") == (
        f"size {large:,} bytes, {large - 8000:,} bytes over the budget of 8,000 bytes; "
        "its accuracy was not measured; measure it with: deeprnn-edge export MODEL --evaluate DATA"
    )


def test_the_reasons_by_preference(bundle: Path, stated_latencies: None) -> None:
    assert reason(choose(bundle), "model.int8.onnx") == (
        "fits, but is slower than model.int4.onnx: 0.03 ms against 0.025 ms"  # of one size
    )
    assert reason(choose(bundle, prefer="latency"), "model.onnx") == (
        "fits, but is slower than model.fast.onnx: 0.02 ms against 0.01 ms"
    )
    assert reason(choose(bundle, prefer="accuracy"), "model.int4.onnx") == (
        "fits, but is less accurate than model.fp16.onnx: -2.5 points against +0.1"
    )


def test_equals_are_told_by_their_order(bundle: Path, stated_latencies: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        benchmarking, "time_alternating", lambda calls, **_: {name: Timing(1, *[0.1] * 6, 1.0, 0.0) for name in calls}
    )
    choice = choose(bundle)
    assert choice.chosen == "model.int8.onnx"
    assert reason(choice, "model.int4.onnx") == "fits as well as model.int8.onnx, which the bundle names first"


def test_a_drop_of_exactly_the_budget_fits(bundle: Path, stated_latencies: None) -> None:
    first = open_bundle(bundle).manifest.artifacts[0]
    change_manifest(bundle, artifacts=(dataclasses.replace(first, evaluation=evaluation(-0.5000000000000004)),))
    assert choose(bundle, max_accuracy_drop_points=0.5).chosen == "model.onnx"


def test_the_nearest_miss_is_the_least_over_in_its_worst_measure(bundle: Path, stated_latencies: None) -> None:
    # model.fp16.onnx misses the latency by 1.5 %; all others the accuracy, by infinitely much, or are unmeasured.
    choice = choose(bundle, max_latency_ms=0.0394, max_accuracy_drop_points=0, max_size_bytes=7_000)
    assert choice.miss == (
        "no artifact fits; model.fp16.onnx comes nearest: latency 0.04 ms, 0.0006 ms over the budget of 0.0394 ms. "
        "It would need --max-latency 0.040ms"
    )
    assert choose(bundle, max_latency_ms=0.04, max_accuracy_drop_points=0, max_size_bytes=7_000).chosen


def test_where_no_drop_is_allowed_the_least_drop_is_nearest(bundle: Path, stated_latencies: None) -> None:
    keep(bundle, "model.int4.onnx", "model.int8.onnx")
    assert choose(bundle, max_accuracy_drop_points=0).miss == (
        "no artifact fits; model.int8.onnx comes nearest: accuracy drop 0.4 points, 0.4 points over the budget of "
        "0 points. It would need --max-accuracy-drop 0.40"
    )


def test_unmeasured_accuracy_is_the_last_of_misses_that_help(bundle: Path, stated_latencies: None) -> None:
    keep(bundle, "model.fast.onnx")
    unmeasured = "its accuracy was not measured; measure it with: deeprnn-edge export MODEL --evaluate DATA"
    choice = choose(bundle, max_accuracy_drop_points=5)
    assert choice.miss == f"no artifact fits; model.fast.onnx comes nearest: {unmeasured}"
    # A wider budget alone would not do, and is not promised to.
    choice = choose(bundle, max_accuracy_drop_points=5, max_latency_ms=0.008)
    assert choice.miss == (
        "no artifact fits; model.fast.onnx comes nearest: "
        f"latency 0.01 ms, 0.002 ms over the budget of 0.008 ms; {unmeasured}"
    )


def keep(bundle: Path, *names: str) -> None:
    artifacts = open_bundle(bundle).manifest.artifacts
    change_manifest(bundle, artifacts=tuple(one for one in artifacts if one.path in names))


def test_an_artifact_that_cannot_run_here(
    bundle_path: Path, bundle: Path, stated_latencies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    tflite = open_bundle(bundle_path).artifact("model.tflite")
    change_manifest(bundle, artifacts=(*open_bundle(bundle).manifest.artifacts, tflite))
    choice = choose(bundle)
    assert choice.chosen == "model.int4.onnx"
    assert verdicts(choice)["model.tflite"] == "cannot run"
    assert reason(choice, "model.tflite").startswith("it cannot run here: a .tflite artifact needs LiteRT")
    assert "pip install 'deeprnn-edge[tflite]'" in reason(choice, "model.tflite")
    keep(bundle, "model.tflite")
    with pytest.raises(MissingExtraError, match="needs LiteRT"):
        choose(bundle)


class ShiftedSession:
    """A session whose every answer is 0.01 too high."""

    def __init__(self, session: Session) -> None:
        self.session, self.fixed_shapes = session, session.fixed_shapes

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return {name: answer + np.float32(0.01) for name, answer in self.session.run(feeds).items()}


def test_an_artifact_that_answers_otherwise(
    bundle: Path, stated_latencies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = entries.open_session

    def shifted(content: bytes, *, kind: str, path: str, threads: int, delegates: bool) -> Session:
        session = original(content, kind=kind, path=path, threads=threads, delegates=delegates)
        return ShiftedSession(session) if path == "model.int4.onnx" else session

    monkeypatch.setattr(entries, "open_session", shifted)
    choice = choose(bundle)
    assert choice.chosen == "model.int8.onnx"
    assert verdicts(choice)["model.int4.onnx"] == "differs"
    assert "its answers differ: output 'probability': differs by" in reason(choice, "model.int4.onnx")
    keep(bundle, "model.int4.onnx")
    assert "no artifact fits; model.int4.onnx comes nearest: its answers differ" in (choose(bundle).miss or "")


def test_artifacts_that_run_step_by_step_are_left_out(bundle: Path, stated_latencies: None) -> None:
    artifacts = open_bundle(bundle).manifest.artifacts
    change_manifest(bundle, artifacts=(dataclasses.replace(artifacts[0], kind="stream"), *artifacts[1:]))
    assert "model.onnx" not in verdicts(choose(bundle))
    change_manifest(bundle, artifacts=(dataclasses.replace(artifacts[0], kind="stream"),))
    with pytest.raises(InputError, match="no artifact that runs whole sequences"):
        choose(bundle)


def test_without_golden_vectors_the_inputs_are_random(bundle: Path, stated_latencies: None) -> None:
    (bundle / GOLDEN).unlink()
    choice = choose(bundle)
    assert (choice.chosen, choice.input_source, choice.reference) == ("model.int4.onnx", "random", "model.onnx")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_size_bytes": 0}, "max_size_bytes 0: give a number above 0"),
        ({"max_latency_ms": float("nan")}, "max_latency_ms nan: give"),
        ({"max_accuracy_drop_points": -1}, "max_accuracy_drop_points -1: give"),
        ({"prefer": "speed"}, "prefer 'speed': give one of size, latency, accuracy"),
        ({"threads": 0}, "threads 0: give at least 1"),
        ({"seconds": 0.0}, "seconds 0: give a number above 0"),
    ],
)
def test_options_that_cannot_be_used(bundle: Path, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(bundle, **options)


def test_json(bundle: Path, stated_latencies: None) -> None:
    choice = choose(bundle, max_size_bytes=1)
    values = json.loads(to_json(choice))
    assert values["format_version"] == FORMAT_VERSION
    assert values["chosen"] is None
    assert values["miss"] == choice.miss
    assert values["budgets"] == {"max_size_bytes": 1, "max_latency_ms": None, "max_accuracy_drop_points": None}
    assert values["machine"]["cpu"]["logical_cores"]
    assert [one["path"] for one in values["artifacts"]] == [name for name, *_ in NETWORKS]
    assert values["artifacts"][2]["latency_ms"] == 0.030
    assert values["artifacts"][2]["verdict"] == "over budget"
    assert "over the budget of 1 byte" in values["artifacts"][2]["reasons"][0]
