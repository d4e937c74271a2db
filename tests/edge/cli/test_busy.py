"""Every command that writes a place refuses while another command writes it, and takes it once that one is done."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deeprnn_edge.cli.main import main
from deeprnn_edge.files.place_lock import hold_place

pytestmark = pytest.mark.process

# The words of each command but its output, which is made by the words behind them.
WRITERS = {
    "pack": (["{bundle}"], "out.zip"),
    "report": (["{bundle}"], "out.html"),
    "snippet": (["{bundle}", "--language", "python"], "out.py"),
    "bench": (["{bundle}", "--artifact", "model.onnx", "--runs", "10"], "out.json"),
    "web": (["{bundle}", "--runtime", "{runtime}"], "site"),
    "score": (["{bundle}", "-i", "{corpus}", "--column", "text"], "scores"),
    "export": (["no.keras"], "bundle"),
    "train": ([], "model.keras"),
    "demo": ([], "folder"),
}
LATER = ("web", "score", "export", "train", "demo")  # costly, or in need of more than the fixtures have


@pytest.mark.parametrize("name", WRITERS)
def test_refused_while_another_writes(bundle_path: Path, tmp_path: Path, name: str) -> None:
    if name in ("export", "train", "demo"):
        pytest.importorskip("tensorflow", reason="the workshop is not installed")
    if name == "score":
        pytest.importorskip("distributed", reason="scoring runs on Dask")
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    words, called = WRITERS[name]
    runtime = _make_runtime(tmp_path / "in")
    given = [word.format(bundle=bundle_path, runtime=runtime, corpus="no.parquet") for word in words]
    output = tmp_path / "out" / called
    made = {called} if name == "demo" else set()  # its folder, before it is held
    with hold_place(output):
        held = _names(tmp_path / "out")
        result = CliRunner().invoke(main, [name, *given, "-o", str(output)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1].startswith(f"error: another command is writing {output} (process ")
        assert "choose another --output" in result.stderr
        assert _names(tmp_path / "out") == held | made
    if name not in LATER:
        assert CliRunner().invoke(main, [name, *given, "-o", str(output)]).exit_code == 0
        assert _names(tmp_path / "out") == {called}


def test_every_command_with_an_output_is_here() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    writing = {
        name
        for name, command in commands.items()
        if command and any("--output" in parameter.opts for parameter in command.params)
    }
    assert writing == set(WRITERS)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _make_runtime(folder: Path) -> Path:
    (folder / "dist").mkdir()
    (folder / "package.json").write_text('{"name": "onnxruntime-web", "version": "1.30.0"}')
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        (folder / "dist" / name).write_bytes(b"")
    return folder
