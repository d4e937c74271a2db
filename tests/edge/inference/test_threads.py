"""Sixteen threads on one model, as ``benchmarks/endurance/hardening.py`` has them make 2,000 calls each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from deeprnn_edge.runtimes.onnx.session import OnnxSession
from tests.support.paths import FIXTURES
from tests.support.threads import hammer

THREADS, CALLS_EACH = 16, 150
pytestmark = pytest.mark.process


@pytest.mark.parametrize("artifact", ["model.onnx", "model.tflite"])
@pytest.mark.parametrize("bundle", ["bundle", "stream_text", "stream_steps"])
def test_every_answer_is_that_of_one_thread(bundle: str, artifact: str) -> None:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    found = hammer(FIXTURES / bundle, artifact, threads=THREADS, calls_each=CALLS_EACH)
    assert found["first_errors"] == []
    assert (found["differing"], found["max_abs_diff"]) == (0, 0.0)
    assert found["calls"].keys() == {"predict", "run", *(["stream"] if bundle.startswith("stream") else [])}
    assert sum(found["calls"].values()) == THREADS * CALLS_EACH


def test_an_answer_of_another_thread_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = OnnxSession.run

    def through_the_session(self: Any, feeds: Mapping[str, Any]) -> Any:
        self.answer = real(self, feeds)
        time.sleep(1e-4)
        return self.answer

    monkeypatch.setattr(OnnxSession, "run", through_the_session)
    assert hammer(FIXTURES / "bundle", "model.onnx", threads=4, calls_each=20)["differing"]


def test_an_error_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = OnnxSession.run, []

    def once_wrong(self: Any, feeds: Mapping[str, Any]) -> Any:
        calls.append(feeds)
        if len(calls) == 300:
            raise RuntimeError("the runtime failed")
        return real(self, feeds)

    monkeypatch.setattr(OnnxSession, "run", once_wrong)
    found = hammer(FIXTURES / "bundle", "model.onnx", threads=4, calls_each=100)
    assert found["errors"] == 1
    assert found["first_errors"][0].endswith("RuntimeError: the runtime failed")
