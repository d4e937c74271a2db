"""One bundle whose every name would steer a terminal; every command that prints it shows escapes instead."""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli import terminal
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_edge.tables import printable, visible
from tests.support.changed_bundle import change_manifest

command_line = importlib.import_module("deeprnn_edge.cli.main")  # the package has the command of this name

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\r\u2028\u202e\u2066\x7f\x85{{VERSION}}<b>"
STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]"
)
COMMANDS: dict[str, list[str]] = {
    "predict": ["{bundle}", "film " + EVIL],
    "predict --json": ["{bundle}", "film " + EVIL, "--json"],
    "stream": ["{bundle}"],
    "verify": ["{bundle}"],
    "verify --json": ["{bundle}", "--json"],
    "inspect": ["{bundle}"],
    "inspect --json": ["{bundle}", "--json"],
    "bench": ["{bundle}", "--artifact", "model.onnx", "--runs", "10"],
    "choose": ["{bundle}", "--seconds", "0.01"],
    "report": ["{bundle}", "-o", "{folder}/" + "report\x1b[2J\x9b.html"],
    "pack": ["{bundle}", "-o", "{folder}/" + "pack\x1b[2J\u202e.zip"],
    "snippet": ["{bundle}", "--language", "python"],
    "web": ["{bundle}", "-o", "{folder}/site\x9b", "--runtime", "{folder}/none\x1b[2J"],
    "score": ["{bundle}", "-i", "{folder}/\x1b[2J*.parquet", "--column", "\x9btext", "-o", "{folder}/scores"],
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.paths import FIXTURES

    copy = shutil.copytree(FIXTURES / "stream_text", tmp_path_factory.mktemp("hostile") / "bundle\x1b[2J\x9b\u202e")
    manifest = open_bundle(copy).manifest
    layers = tuple(dataclasses.replace(layer, name=layer.name + EVIL) for layer in manifest.architecture.layers)
    change_manifest(
        copy,
        name="model" + EVIL,
        labels=tuple(f"label {number}{EVIL}" for number in range(len(manifest.labels))),
        created_with={f"tool{EVIL}": EVIL},
        architecture=dataclasses.replace(manifest.architecture, layers=layers),
    )
    return copy


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_escapes(hostile: Path, tmp_path: Path, name: str) -> None:
    if name.startswith("score"):
        pytest.importorskip("distributed", reason="scoring runs on Dask")
    words = [word.replace("{bundle}", str(hostile)).replace("{folder}", str(tmp_path)) for word in COMMANDS[name]]
    result = CliRunner().invoke(main, [name.split()[0], *words], input="film\n" + EVIL + "\n")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    said = result.stdout + result.stderr
    assert said
    assert not STEERING.findall(said), said
    if result.exit_code == 0 and (name.endswith("--json") or name == "stream"):
        text = result.stdout
        for part in text.splitlines() if name in ("stream", "predict --json") else [text]:
            json.loads(part)  # the escapes are those of JSON


def test_json_says_the_same_for_all_its_escapes(hostile: Path) -> None:
    result = CliRunner().invoke(main, ["predict", str(hostile), "film", "--json"])
    assert json.loads(result.stdout)["label"].endswith(EVIL)


def test_every_command_is_here() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(command_line._COMMANDS)


def test_no_command_writes_past_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library prints, a message, a usage error: all goes the same way."""

    def loud(*words: object, **options: object) -> None:
        print(EVIL)  # noqa: T201 - as a library might
        sys.stderr.write(EVIL)
        raise InputError(f"a message with {EVIL}")

    command = main.get_command(click.Context(main), "inspect")
    assert command is not None
    monkeypatch.setattr(command, "callback", loud)
    monkeypatch.setattr(command, "params", [])
    for words in (["inspect"], ["inspect", EVIL], ["--" + EVIL], [EVIL]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2
        assert not STEERING.findall(result.stdout + result.stderr)
        assert "1b" in result.stderr  # click itself shows some of them


def test_escapes_are_seen_and_plain_text_stays() -> None:
    assert visible("a\x1b[2J\u202eb\x9b\ud800") == "a\\u001b[2J\\u202eb\\u009b\\ud800"
    plain = "Grüße, 你好, שלום, 👩‍👩‍👧, a\tb\nc µ → ·"
    assert visible(plain) == plain
    assert printable("a\nb\U000e0001") == "a\\u000ab\\udb40\\udc01"
    assert json.loads(f'"{printable(chr(0xE0001))}"') == "\U000e0001"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "\\u00e9\\u4f60\\ud83d\\ude00"), ("latin-1", "é\\u4f60\\ud83d\\ude00")]
)
def test_what_the_encoding_lacks_is_an_escape_too(encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    stream: Any = terminal.GuardedStream(io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    click.echo("é你😀", file=stream)
    assert raw.getvalue().decode(encoding) == shown + "\n"
    assert not hasattr(stream, "buffer")
