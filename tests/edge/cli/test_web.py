"""``deeprnn-edge web``: what it writes, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_edge.web.runtime_files import SCRIPT, VERSION, WASM, unpack_runtime
from deeprnn_edge.web.settings import choose_artifact, make_settings
from deeprnn_edge.web.site import check_site
from tests.support.changed_bundle import change_manifest


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["web", *map(str, words)])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder in the form of the npm package, with next to nothing in it."""
    folder = tmp_path / "package"
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "onnxruntime-web", "version": "1.30.0"}))
    (folder / SCRIPT).write_bytes(b"export {};")
    (folder / WASM).write_bytes(b"\0asm")
    return folder


def test_the_folder(stream_bundle: Path, package: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = run(stream_bundle, "-o", site, "--runtime", package)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].endswith(f"python -m http.server --directory {site}")
    assert "file://" in done.stderr
    assert (site / "model.onnx").read_bytes() == (stream_bundle / "stream.onnx").read_bytes()
    assert (site / "runtime" / "ort.js").read_bytes() == b"export {};"
    settings = json.loads((site / "settings.json").read_text(encoding="utf-8"))
    assert settings["streams"]
    assert settings["vocabulary"][:3] == ["the", "a", "and"]
    assert settings["examples"][0] == "a gorgeous, moving film"
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "{{" not in index
    assert "default-src 'none'" in index
    # Nothing comes from elsewhere, and every module that one imports is there.
    texts = [file.read_text(encoding="utf-8") for file in site.iterdir() if file.suffix in (".js", ".css", ".html")]
    addresses = [address for text in texts for address in re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"']*", text)]
    assert addresses == ["http://www.w3.org/2000/svg"]  # a namespace, not an address that is asked
    imported = {name for text in texts for name in re.findall(r'from "\./([^"]+)"', text)}
    assert all((site / name).is_file() for name in imported)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "site"]


def test_a_name_is_no_place_of_the_page(stream_bundle: Path, package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stream_bundle, tmp_path / "bundle")
    name = "{{VERSION}} {{NAME}} {{OTHER}} \\g<0> <b>\u202e"
    change_manifest(copy, name=name)
    assert run(copy, "-o", tmp_path / "site", "--runtime", package).exit_code == 0
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "<h1>{{VERSION}} {{NAME}} {{OTHER}} \\g&lt;0&gt; &lt;b&gt;\\u202e</h1>" in index


@pytest.mark.parametrize(("artifact", "streams"), [("model.onnx", False), ("stream.onnx", True)])
def test_the_artifact_that_is_asked_for(
    stream_bundle: Path, package: Path, tmp_path: Path, artifact: str, streams: bool
) -> None:
    site = tmp_path / "site"
    assert run(stream_bundle, "-o", site, "--runtime", package, "--artifact", artifact).exit_code == 0
    assert (site / "model.onnx").read_bytes() == (stream_bundle / artifact).read_bytes()
    assert json.loads((site / "settings.json").read_text(encoding="utf-8"))["streams"] == streams


def test_a_page_is_replaced_with_force_and_nothing_else_is(
    bundle_path: Path, stream_steps_bundle: Path, package: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    words = ("-o", site, "--runtime", package)
    assert run(bundle_path, *words).exit_code == 0
    again = run(stream_steps_bundle, *words)
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert run(stream_steps_bundle, *words, "--force").exit_code == 0
    assert json.loads((site / "settings.json").read_text(encoding="utf-8"))["name"] == "steps"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me")
    refused = run(bundle_path, "-o", mine, "--runtime", package, "--force")
    assert (refused.exit_code, "no page" in refused.stderr) == (2, True)
    assert (mine / "letter.txt").read_text() == "keep me"
    with pytest.raises(InputError, match="is no directory"):
        check_site(tmp_path / "missing" / "site")


def test_without_npm_it_says_what_to_do(stream_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    done = run(stream_bundle, "-o", tmp_path / "site")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "npm" in line
    assert "--runtime" in line
    assert not (tmp_path / "site").exists()


def test_npm_that_fails(stream_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "npm error network")
    monkeypatch.setattr(shutil, "which", lambda name: "npm")
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: failed)
    done = run(stream_bundle, "-o", tmp_path / "site")
    assert (done.exit_code, "npm error network" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("package.json", None, "no unpacked npm package"),
        ("package.json", '{"name": "left-pad", "version": "1.30.0"}', "left-pad"),
        ("package.json", '{"name": "onnxruntime-web", "version": "1.25.1"}', "1.26 or newer"),
        (WASM, None, "has no readable"),
    ],
)
def test_a_runtime_that_is_none(
    stream_bundle: Path, package: Path, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    (package / name).unlink()
    if content is not None:
        (package / name).write_text(content)
    done = run(stream_bundle, "-o", tmp_path / "site", "--runtime", package)
    assert (done.exit_code, said in done.stderr) == (2, True)


def test_the_archive_is_held_against_its_hash() -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in (SCRIPT, WASM):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    with pytest.raises(InputError, match="SHA-512"):
        unpack_runtime(content.getvalue())
    digest = base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()
    assert unpack_runtime(content.getvalue(), digest).script == SCRIPT.encode()


def test_the_help_names_the_pinned_version() -> None:
    assert set(re.findall(r"onnxruntime-web[@-](\d[\d.]*\d)", run("--help").stdout)) == {VERSION}


def changed(bundle: Bundle, **fields: object) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, stream=None, **fields))


def test_what_the_page_cannot_show_is_named(bundle_path: Path) -> None:
    bundle = open_bundle(bundle_path)
    artifact = choose_artifact(bundle, None)
    (tokens,), (answer,) = bundle.manifest.inputs, bundle.manifest.outputs
    second = TensorSpec("second", "float32", ("batch", 1))
    for fields, said in [
        ({"inputs": (tokens, second)}, "tokens, second"),
        ({"outputs": (answer, second)}, "2 outputs"),
        ({"inputs": (replace(tokens, dtype="float32"),)}, "'tokens' is float32"),
        ({"inputs": (replace(tokens, shape=(3, 16)),)}, "one sequence at a time"),
        ({"inputs": (replace(tokens, shape=("batch", 20)),)}, "20 steps"),
        ({"outputs": (replace(answer, shape=("batch", 2, 2, 2)),)}, "float32 of"),
        ({"labels": ("one",)}, "1 labels"),
    ]:
        with pytest.raises(InputError, match=said):
            make_settings(changed(bundle, **fields), artifact)
    with pytest.raises(InputError, match="runs ONNX files"):
        choose_artifact(bundle, "model.tflite")
