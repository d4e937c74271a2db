"""A file that LiteRT's delegate alone refuses is run without it; what LiteRT repeats is said once."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import MANIFEST
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_edge.parity.verify import verify
from deeprnn_edge.runtimes.tflite import library
from deeprnn_export import export
from deeprnn_export.targets.tflite import convert
from deeprnn_export.targets.tflite.convert import telling_line
from tests.support.keras_models import randomised

pytestmark = pytest.mark.process


def build() -> keras.Model:
    return randomised(keras.Sequential([keras.Input((6, 2), name="x"), keras.layers.GRU(4), keras.layers.Dense(1)]))


NODES = [f"ERROR: node number {number} (TfLiteXNNPackDelegate) failed to prepare" for number in range(200)]


def refuse_first(monkeypatch: pytest.MonkeyPatch, *, always: bool = False) -> list[str]:
    """Let the converter's process fail at trying its file, as it does where the delegate refuses it."""
    asked, run = [], convert.run_apart

    def fail(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        done = run(words)
        asked.append(str(words[2]))
        if always or len(asked) == 1:
            return subprocess.CompletedProcess(done.args, 1, "", "\n".join([*NODES, "RuntimeError: no plan"]))
        return done

    monkeypatch.setattr(convert, "run_apart", fail)
    return asked


def test_a_file_that_the_delegate_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = refuse_first(monkeypatch)
    told: list[str] = []
    manifest = export(build(), tmp_path / "b", formats=["tflite"], progress=told.append)
    assert asked == ["fp32", "try"]
    (artifact,) = manifest.artifacts
    assert not artifact.delegates
    assert '"delegates": false' in (tmp_path / "b" / MANIFEST).read_text("utf-8")
    assert "model.tflite runs without the delegates of LiteRT, which refuse it" in told
    assert "an app has to turn them off" in (tmp_path / "b" / "README.md").read_text("utf-8")
    monkeypatch.undo()
    opened: list[bool] = []
    start = library.start_interpreter

    def note(content: bytes, *, threads: int, delegates: bool) -> Any:
        opened.append(delegates)
        return start(content, threads=threads, delegates=delegates)

    monkeypatch.setattr(library, "start_interpreter", note)
    loaded = deeprnn_edge.load(tmp_path / "b")
    assert all(result.passed for result in verify(tmp_path / "b"))
    assert np.isfinite(list(loaded.run(np.zeros((1, 6, 2), np.float32)).values())).all()
    assert opened == [False]  # verify opens it in a process of its own


def test_a_file_that_litert_refuses_either_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refuse_first(monkeypatch, always=True)
    with pytest.raises(
        UnsupportedModelError, match=r"cannot run the file: RuntimeError: no plan; before it, 200 times: "
    ):
        export(build(), tmp_path / "b", formats=["tflite"])


def test_what_is_repeated_is_said_once() -> None:
    assert telling_line("") == "no reason"
    assert telling_line("one\nValueError: two\nthree") == "ValueError: two"
    assert telling_line("a 1\na 2\na 3") == "a 3 (3 times)"
    assert telling_line("\n".join(NODES)) == f"{NODES[-1]} (200 times)"
