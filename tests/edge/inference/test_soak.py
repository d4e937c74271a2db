"""Memory, descriptors and CPU over many calls and loads: a fiftieth of ``benchmarks/endurance/hardening.py``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import pytest

from tests.support.soak import measure_apart, repeat

MOST_GROWN_BYTES = 2_000_000  # the bound that holds for a million predictions and 10,000 loads
MOST_IDLE = 1e-3  # CPU seconds a second

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows tells neither memory nor descriptors"),
]
on_both = pytest.mark.parametrize("artifact", ["model.onnx", "model.tflite"])


def require(artifact: str) -> None:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")


@on_both
@pytest.mark.parametrize(("what", "count"), [("predictions", 20_000), ("loads", 200)])
def test_nothing_is_held_on_to(stream_bundle: Path, artifact: str, what: str, count: int) -> None:
    require(artifact)
    found = measure_apart(what, stream_bundle, artifact, count=count, warm_up=count // 10)
    assert found["count"] == count
    assert found["most_grown_bytes"] < MOST_GROWN_BYTES
    assert found["descriptors_after"] == found["descriptors_before"] > 0
    assert found["system_threads_after"] == found["system_threads_before"]


@on_both
@pytest.mark.parametrize("threads", [1, 2])
def test_a_loaded_model_rests(bundle_path: Path, artifact: str, threads: int) -> None:
    require(artifact)
    # On a busy machine what a runtime does as it starts may last into a measurement; what never rests fails all three.
    measured = (measure_apart("idle", bundle_path, artifact, seconds=1, threads=threads) for _ in range(3))
    assert any(found["cpu_seconds"] <= MOST_IDLE * found["wall_seconds"] for found in measured)


def test_what_is_held_on_to_is_noticed(tmp_path: Path) -> None:
    files: list[IO[bytes]] = []
    held: list[bytes] = []

    def leak() -> None:
        held.append(b"x" * 1_000_000)
        if len(held) % 10 == 0:
            files.append((tmp_path / "file").open("wb"))

    found = repeat(leak, count=100, warm_up=0)
    for file in files:
        file.close()
    assert found["most_grown_bytes"] > MOST_GROWN_BYTES
    assert found["descriptors_after"] == found["descriptors_before"] + 10


def test_a_process_that_fails_says_why(bundle_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"idle of model.pt ended with 1: .*no artifact 'model.pt'"):
        measure_apart("idle", bundle_path, "model.pt", seconds=1)
