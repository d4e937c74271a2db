"""A runtime that one file brings: a bundle of its format is loaded, streamed, inspected, verified, packed and timed.

No other file of the product knows of it. It is registered as another package would do it, through an entry point,
so that the fresh process of a benchmark finds it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge import runtimes
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bench.streams.run import bench_stream
from deeprnn_edge.bundle.artifact import Artifact, Parity
from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST
from deeprnn_edge.bundle.golden import Case, encode_golden
from deeprnn_edge.bundle.manifest import FORMAT_VERSION, Architecture, Layer, Manifest, Preprocessing, encode_manifest
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec, TensorSpec
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import BundleError
from deeprnn_edge.inference.packing import pack
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.runtimes.artifacts import start_runtime
from tests.support.made_up_format import runtime as made_up_runtime
from tests.support.paths import ROOT

UNITS, FEATURES = 3, 2
RANDOM = np.random.default_rng(3)
SHAPES = {"kernel": (FEATURES, UNITS), "recurrent": (UNITS, UNITS), "bias": (UNITS,)}
WEIGHTS = {name: RANDOM.normal(0, 1, shape).astype(np.float32) for name, shape in SHAPES.items()}
X = RANDOM.normal(0, 1, (4, 7, FEATURES)).astype(np.float32)


def oracle(x: np.ndarray, h: np.ndarray) -> np.ndarray:
    matrix = np.concatenate([WEIGHTS["kernel"], WEIGHTS["recurrent"]])
    for step in x.transpose(1, 0, 2):
        h = np.tanh(np.concatenate([step, h], axis=1) @ matrix + WEIGHTS["bias"])
    return h


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What pip leaves of a package with such an entry point."""
    metadata = tmp_path / "site" / "made_up-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{runtimes.GROUP}]\nnpzrnn = {made_up_runtime.__name__}:RUNTIME\n")
    monkeypatch.syspath_prepend(str(metadata.parent))
    monkeypatch.syspath_prepend(str(ROOT))  # for the fresh process, which imports the runtime too
    runtimes._registered.cache_clear()
    yield
    runtimes._registered.cache_clear()
    runtimes.RUNTIMES.pop("npzrnn", None)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    x, h = TensorSpec("x", "float32", ("batch", "time", FEATURES)), TensorSpec("h", "float32", ("batch", UNITS))
    state = StateSpec("state_h", "next_state_h", "cell", ("batch", UNITS))
    contents = {
        "model.npzrnn": made_up_runtime.encode(WEIGHTS),
        "stream.npzrnn": made_up_runtime.encode({**WEIGHTS, "stream": np.zeros(1, np.float32)}),
    }
    artifacts = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        kind = "sequence" if name.startswith("model") else "stream"
        digest = hashlib.sha256(content).hexdigest()
        artifacts.append(Artifact(name, "npzrnn", "fp32", kind, len(content), digest, Parity(0.0, 1e-6, 0, 2)))
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="made up",
        created_with={},
        inputs=(x,),
        outputs=(h,),
        architecture=Architecture((Layer("cell", "Elman", 18, cell="elman", units=UNITS, direction="forward"),), 18),
        preprocessing=Preprocessing("sequence"),
        labels=(),
        artifacts=tuple(artifacts),
        stream=StreamSpec((x,), (h,), (state,), skips_padding=False),
    )
    (folder / MANIFEST).write_text(encode_manifest(manifest), encoding="utf-8")
    begun = RANDOM.normal(0, 1, (4, UNITS)).astype(np.float32)
    cases = [
        Case("whole", {"x": X}, {"h": oracle(X, np.zeros((4, UNITS), np.float32))}),
        Case("begun", {"x": X, "state_h": begun}, {"h": oracle(X, begun), "next_state_h": oracle(X, begun)}),
    ]
    (folder / GOLDEN).write_bytes(encode_golden(cases))
    return folder


@pytest.mark.usefixtures("registered")
def test_it_answers_whole_and_in_chunks(bundle: Path) -> None:
    model = deeprnn_edge.load(bundle)
    assert model.artifact.path == "model.npzrnn"
    expected = oracle(X, np.zeros((4, UNITS), np.float32))
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-6)
    with model.stream(4) as stream:
        stream.push(X[:, :2])
        np.testing.assert_allclose(stream.push(X[:, 2:]), expected, atol=1e-6)


@pytest.mark.usefixtures("registered")
def test_it_is_inspected_in_a_bundle_and_alone(bundle: Path) -> None:
    found = inspect_path(bundle)
    assert found.layers[0].cell == "elman"
    assert [(one.format, one.recurrent, one.problem) for one in found.artifacts] == [("npzrnn", {"Recur": 1}, None)] * 2
    alone = inspect_path(bundle / "model.npzrnn")
    assert (alone.kind, alone.outputs) == ("npzrnn", found.outputs)
    assert [tensor.name for tensor in alone.artifacts[0].tensors] == ["recurrent", "kernel", "bias"]
    result = CliRunner().invoke(main, ["inspect", str(bundle)])
    assert "Recur 1" in result.stdout


@pytest.mark.usefixtures("registered")
def test_it_is_verified_packed_and_checked(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = deeprnn_edge.verify(bundle, trusted=True)
    assert [(one.artifact, one.passed) for one in results] == [("model.npzrnn", True), ("stream.npzrnn", True)]
    pack(bundle, tmp_path / "out.zip", golden=True)
    assert deeprnn_edge.verify(tmp_path / "out.zip", trusted=True)[0].passed
    monkeypatch.setattr(made_up_runtime.Session, "advance", lambda self, x, h: h)
    assert not deeprnn_edge.verify(bundle, trusted=True)[0].passed


@pytest.mark.usefixtures("registered")
def test_its_own_check_refuses(bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"^m: no npzrnn file has 1,000,001 bytes"):
        runtimes.runtime_of("npzrnn").check(b"0" * 1_000_001, "m")


@pytest.mark.usefixtures("registered")
def test_it_is_timed_and_started_in_a_fresh_process(bundle: Path) -> None:
    start_runtime("npzrnn")
    (row,) = bench(bundle, runs=3).rows
    assert (row.name, row.status, row.problem) == ("model.npzrnn", "ok", None)
    assert row.start is not None
    assert row.timing is not None
    (pushes,) = bench_stream(bundle, runs=3, chunks=[1]).rows
    assert (pushes.name, pushes.status) == ("stream.npzrnn", "ok")


def test_where_it_is_not_registered_it_is_skipped(bundle: Path) -> None:
    assert "npzrnn" not in runtimes.RUNTIMES
    found = inspect_path(bundle)
    assert all("'npzrnn'" in (one.problem or "") for one in found.artifacts)
    result = CliRunner().invoke(main, ["predict", str(bundle), "1"])
    assert result.exit_code == 2
    assert "has no artifact that runs here" in result.output
