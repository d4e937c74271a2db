"""Keras on another backend is one line for a program, and no matter for the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError
from deeprnn_export import export
from deeprnn_export.tracing import backend


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["torch", "jax", "numpy"])
def test_a_program_is_told_before_anything_is_imported(name: str) -> None:
    done = python("import deeprnn_export; deeprnn_export.export", KERAS_BACKEND=name)
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith(
            f"deeprnn_edge.errors.InputError: Keras computes with {name} here, and models are exported and trained with"
        )
    )


def test_a_keras_that_is_there_counts_more_than_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    backend.require_tensorflow()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match=r"^Keras computes with jax here.* set KERAS_BACKEND=tensorflow before"):
        backend.require_tensorflow()


@pytest.mark.slow
def test_the_command_line_is_a_process_of_our_own() -> None:
    done = python("from deeprnn_export.commands.startup import start_workshop\nstart_workshop('export')\n"
                  "import keras; print(keras.backend.backend())", KERAS_BACKEND="torch")  # fmt: skip
    assert done.stdout == "tensorflow\n", done.stderr


@pytest.mark.parametrize(
    "given", [object(), 5, None, np.zeros(3), keras.layers.GRU(3)], ids=lambda one: type(one).__name__
)
def test_what_is_no_model_is_named(given: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^export takes a Keras 3 model or the path of a saved one, got a [\w.]+: "):
        export(given, tmp_path / "b")  # type: ignore[arg-type]
    assert not any(tmp_path.iterdir())
