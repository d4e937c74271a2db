"""What an import pulls in: the device half stays light, and the workshop waits until it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

import deeprnn_edge
from tests.support.fresh_process import HEAVY, all_modules_after, command, modules_after
from tests.support.paths import ROOT


def test_importing_the_device_half() -> None:
    loaded = modules_after("import deeprnn_edge")
    assert not loaded & {*HEAVY, "click", "ai_edge_litert", "zoneinfo", "asyncio"}


def test_a_program_that_only_predicts_starts_without_the_rest(bundle_path: Path) -> None:
    loaded = all_modules_after(f"import deeprnn_edge; deeprnn_edge.load({str(bundle_path)!r}).predict('film')")
    ours = [name.split(".") for name in loaded if name.startswith("deeprnn_edge.")]
    assert {room for _, room, *_ in ours} <= {
        "bundle",
        "errors",
        "files",
        "inference",
        "inputs",
        "packages",
        "runtimes",
    }
    for later in ("stream", "stepper"):  # a name that no module has any more would hold nothing
        assert list((ROOT / "deeprnn_edge").rglob(f"{later}.py"))
        assert later not in {names[-1] for names in ours}


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "{bundle}", "a gorgeous, moving film"),
        ("verify", "{bundle}", "--artifact", "model.onnx"),
        ("inspect", "{bundle}"),
        ("bench", "{bundle}", "--artifact", "model.onnx", "--runs", "20"),
    ],
)
def test_device_commands_on_a_bundle(bundle_path: Path, words: tuple[str, ...]) -> None:
    loaded = modules_after(command(*(word.format(bundle=bundle_path) for word in words)))
    assert not loaded & set(HEAVY)


def test_a_report_loads_no_runtime(bundle_path: Path, tmp_path: Path) -> None:
    loaded = modules_after(command("report", str(bundle_path), "-o", str(tmp_path / "report.html")))
    assert not loaded & {*HEAVY, "onnxruntime", "matplotlib", "jinja2"}


def test_streaming(stream_bundle: Path) -> None:
    loaded = modules_after(f"import deeprnn_edge; deeprnn_edge.load({str(stream_bundle)!r}).stream().push('film')")
    assert not loaded & {*HEAVY, "click", "ai_edge_litert"}


@pytest.mark.parametrize("words", [("--help",), ("train", "--help"), ("export", "--help"), ("demo", "--help")])
def test_help_loads_no_framework(words: tuple[str, ...]) -> None:
    assert not modules_after(command(*words)) & {"tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"}


def test_public_names() -> None:
    errors = {"BundleError", "DeepRNNEdgeError", "InputError", "StreamError"}
    assert set(deeprnn_edge.__all__) == {"Manifest", "Model", "Stream", "load", "verify"} | errors
    assert len(deeprnn_edge.__all__) < 10
    for name in deeprnn_edge.__all__:
        assert hasattr(deeprnn_edge, name)
