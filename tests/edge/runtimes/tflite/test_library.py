"""What is used of LiteRT, part by part: there as it is used, and in plain words where an upgrade took it away."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.errors import BundleError, MissingExtraError
from deeprnn_edge.runtimes.tflite import RUNTIME, inspection, library
from deeprnn_edge.runtimes.tflite.session import TFLiteSession

pytest.importorskip("ai_edge_litert", reason="LiteRT's own parts")

import ai_edge_litert
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema

NEWER = r"^LiteRT \d+\.\d+\.\d+\S* is newer than this release knows: .*{gone}.*; install an older LiteRT, or a newer"


@pytest.fixture
def content(bundle_path: Path) -> bytes:
    return (bundle_path / "model.tflite").read_bytes()


def test_interpreter() -> None:
    started = library.start_interpreter(RUNTIME.start_model, threads=1)
    inputs, outputs = library.signature_of(started)
    for _ in range(2):
        started.reset_all_variables()
        started.set_tensor(inputs["x"]["index"], np.full(1, 3, np.float32))
        started.invoke()
        (index,) = (detail["index"] for detail in outputs.values())
        first = started.get_tensor(index)
        assert first.tolist() == [6.0]
        started.set_tensor(inputs["x"]["index"], np.full(1, 4, np.float32))
        started.invoke()
        assert first.tolist() == [6.0]  # an array of its own, which the next run leaves alone


def test_signature_runner(content: bytes) -> None:
    inputs, outputs = library.signature_of(library.start_interpreter(content, threads=1))
    assert (list(inputs), list(outputs)) == (["tokens"], ["probability"])
    assert (inputs["tokens"]["shape"].tolist(), inputs["tokens"]["dtype"]) == ([1, 16], np.int32)


def test_schema_py_generated() -> None:
    """The names that are checked are those that the reader uses."""
    found = library.load_schema()
    assert found is schema
    classes = {name.split(".")[0] for name in library._SCHEMA}
    checked = {name.split(".")[-1] for name in library._SCHEMA}
    tree = ast.parse(inspect.getsource(inspection))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[0].isupper()}
    assert used - classes == checked - classes


@pytest.mark.parametrize(
    ("holder", "gone"),
    [
        (litert, "Interpreter"),
        (litert.Interpreter, "reset_all_variables"),
        (litert.Interpreter, "get_signature_runner"),
    ],
)
def test_an_interpreter_without_a_part(content: bytes, monkeypatch: pytest.MonkeyPatch, holder: Any, gone: str) -> None:
    monkeypatch.delattr(holder, gone)
    with pytest.raises(MissingExtraError, match=NEWER.format(gone=gone)):
        TFLiteSession(content, "m")


def test_an_interpreter_of_other_parameters(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert, "Interpreter", lambda model: model)
    with pytest.raises(MissingExtraError, match=NEWER.format(gone="unexpected keyword argument")):
        TFLiteSession(content, "m")


@pytest.mark.parametrize("name", library._SCHEMA)
def test_a_schema_without_a_part(content: bytes, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    *path, gone = name.split(".")
    monkeypatch.delattr(getattr(schema, path[0]) if path else schema, gone)
    with pytest.raises(MissingExtraError, match=NEWER.format(gone=gone)):
        inspection.inspect_tflite(content, "m")


def test_a_release_without_the_schema(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(library.importlib.sys.modules, "ai_edge_litert.schema_py_generated", None)
    monkeypatch.delattr(ai_edge_litert, "schema_py_generated")
    with pytest.raises(MissingExtraError, match=NEWER.format(gone="schema_py_generated")):
        inspection.inspect_tflite(content, "m")


def test_damage_is_no_newer_release() -> None:
    with pytest.raises(BundleError, match="LiteRT does not load it"):
        TFLiteSession(b"TFL3" * 20, "m")
