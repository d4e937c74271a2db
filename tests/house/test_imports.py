"""What an import pulls in: the device half stays light, and the workshop waits until it is used."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import deeprnn_edge

HEAVY = ("tensorflow", "keras", "tf2onnx", "onnx", "deeprnn_export")


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after running some code."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys; print('MODULES', *sorted({{m.split('.')[0] for m in sys.modules}}))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split("MODULES ")[-1].split())


def command(*words: str) -> str:
    return f"from deeprnn_edge.cli.main import main\nmain({list(words)!r}, standalone_mode=False)"


def test_importing_the_device_half() -> None:
    loaded = modules_after("import deeprnn_edge")
    assert not loaded & {*HEAVY, "click", "ai_edge_litert", "zoneinfo", "asyncio"}


def test_a_program_that_only_predicts_starts_without_the_rest(bundle_path: Path) -> None:
    code = f"import deeprnn_edge; deeprnn_edge.load({str(bundle_path)!r}).predict('film')"
    more = "import sys; print('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{more}"], capture_output=True, text=True, check=True)
    rooms = {
        "inference": ("stream", "stream_source"),
        "runtimes.onnx": ("stepper", "inspection"),
        "parity": ("verify",),
    }
    later = {f"deeprnn_edge.{room}.{name}" for room, names in rooms.items() for name in names}
    assert [name for name in later if importlib.util.find_spec(name) is None] == []
    assert not later & set(done.stdout.split())


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
    assert deeprnn_edge.__all__ == ["DeepRNNEdgeError", "Manifest", "Model", "Stream", "load", "verify"]
    for name in deeprnn_edge.__all__:
        assert hasattr(deeprnn_edge, name)
