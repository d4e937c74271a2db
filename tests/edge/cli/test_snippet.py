"""``deeprnn-edge snippet`` as a user sees it: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.cli.main import main
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.snippets.languages import LANGUAGES, runtime_for
from deeprnn_edge.snippets.literals import cpp_string, json_string, number
from tests.support.changed_bundle import change_manifest
from tests.support.fresh_process import HEAVY, command, modules_after

ONNX = ("model.onnx", "allow_spinning")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["snippet", *map(str, words)])


@pytest.fixture
def copied(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "copied"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_the_model_its_tensors_and_the_text_rule(bundle_path: Path, language: str) -> None:
    done = run(bundle_path, "--language", language)
    assert (done.exit_code, done.stderr) == (0, "")
    own = {"kotlin": ("model.tflite", "setUseXNNPACK"), "swift": ("model.tflite", "isXNNPackEnabled")}
    for part in ("tokens", "probability", "vocabulary.txt", "manifest.json", *own.get(language, ONNX)):
        assert part in done.stdout
    case = decode_golden(open_bundle(bundle_path).read_golden())[0]
    numbers = re.sub(r"\s+", " ", done.stdout)
    assert ", ".join(map(str, case.inputs["tokens"][0].tolist())) in numbers
    assert str(case.outputs["probability"][0, 0]) in numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ids_of_a_sample_text_are_those_of_the_rule(bundle_path: Path, language: str) -> None:
    bundle = open_bundle(bundle_path)
    comment = " ".join(re.sub(r"^(#|//) ?", "", run(bundle_path, "--language", language).stdout, flags=re.M).split())
    found = re.search(r'"([^"]+)" becomes ([\d ]+), before padding', comment)
    assert found is not None
    ids = TextEncoder(bundle.manifest.preprocessing, bundle.vocabulary()).encode(found[1])
    assert found[2] == " ".join(map(str, ids))


def test_the_states_of_a_stream_are_named(stream_steps_bundle: Path) -> None:
    bundle = open_bundle(stream_steps_bundle)
    assert bundle.manifest.stream is not None
    for language in LANGUAGES:
        text = run(
            stream_steps_bundle, "--language", language, "--artifact", f"stream.{runtime_for(language).name}"
        ).stdout
        for state in bundle.manifest.stream.states:
            assert state.name in text
            assert state.next_name in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_written_whole(bundle_path: Path, tmp_path: Path, language: str) -> None:
    target = tmp_path / LANGUAGES[language].file.replace("nippet", "mall")
    done = run(bundle_path, "--language", language, "-o", target)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"wrote {target}: {language}, for model.{runtime_for(language).name}\n"
    # The commands in its comment name the file that was written, and the rest is what is printed.
    text = target.read_text(encoding="utf-8")
    assert target.name in text
    printed = run(bundle_path, "--language", language).stdout
    assert text.replace(target.name, LANGUAGES[language].file) == printed
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


def test_a_file_name_that_is_not_plain_stays_out_of_the_program(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "a\\u000a b.java"
    assert run(bundle_path, "--language", "java", "-o", target).exit_code == 0
    assert target.read_text(encoding="utf-8") == run(bundle_path, "--language", "java").stdout


def test_a_packed_bundle_gives_the_same_program(bundle_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "model.zip"
    pack = ["pack", str(bundle_path), "--artifact", "model.onnx", "-o", str(packed), "--golden"]
    assert CliRunner().invoke(main, pack).exit_code == 0
    text = run(packed, "--language", "c++").stdout
    assert text == run(bundle_path, "--language", "c++").stdout
    assert "unzip BUNDLE.zip model.onnx" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--language", "cobol"], "'cobol' is not one of 'c++', 'java', 'javascript', 'python', 'csharp', 'kotlin'"),
        ([], "Missing option '--language'"),
        (["--language", "java", "--artifact", "model.pt"], "no artifact 'model.pt'; it has model.onnx, model.tflite"),
        (
            ["--language", "java", "--artifact", "model.tflite"],
            "model.tflite is tflite, and snippet writes programs in java for ONNX files; give one of those",
        ),
        (
            ["--language", "swift", "--artifact", "model.onnx"],
            "model.onnx is onnx, and snippet writes programs in swift for TFLite files; give one of those",
        ),
        (["--language", "java", "-o", "{folder}/taken"], "taken exists; choose another --output"),
        (["--language", "java", "-o", "{folder}/gone/x"], "gone: it is missing or not writable"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    bundle_path: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "taken").write_bytes(b"mine")
    refused(run(bundle_path, *(word.format(folder=tmp_path) for word in words)), message)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("taken", b"mine")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bundle_without_the_format_of_a_language_is_refused(copied: Path, language: str) -> None:
    runtime, artifacts = runtime_for(language), open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=tuple(one for one in artifacts if one.format != runtime.name))
    said = f"has no {runtime.title} artifact, and snippet writes programs in {language} for no other; export the model"
    refused(run(copied, "--language", language), f"{said} again with: deeprnn-edge export --format {runtime.name}")


def test_a_bundle_without_golden_vectors_is_refused(bundle_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "model.zip"
    assert CliRunner().invoke(main, ["pack", str(bundle_path), "-o", str(packed)]).exit_code == 0
    refused(run(packed, "--language", "c++"), "-o OUTPUT.zip --golden")


def test_golden_vectors_that_are_of_no_use_are_refused(copied: Path) -> None:
    cases = decode_golden((copied / GOLDEN).read_bytes())
    lost = [dataclasses.replace(case, outputs={"other": case.outputs["probability"]}) for case in cases]
    (copied / GOLDEN).write_bytes(encode_golden(lost))
    refused(run(copied, "--language", "c++"), "have no case for model.onnx")
    wild = [dataclasses.replace(case, outputs={"probability": np.full((1, 1), np.nan, np.float32)}) for case in cases]
    (copied / GOLDEN).write_bytes(encode_golden(wild))
    refused(run(copied, "--language", "c++"), "have no case for model.onnx")


def test_a_dtype_that_no_program_writes_is_refused(copied: Path) -> None:
    outputs = open_bundle(copied).manifest.outputs
    change_manifest(copied, outputs=(dataclasses.replace(outputs[0], dtype="float16"),))
    refused(run(copied, "--language", "c++"), "'probability' is float16, and snippet writes programs for float32,")


def refused(done: Result, message: str) -> None:
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_the_help_teaches_with_an_example() -> None:
    assert "deeprnn-edge snippet bundle --language c++ -o snippet.cpp" in run("--help").stdout


def test_no_framework_is_loaded_and_no_runtime(bundle_path: Path) -> None:
    loaded = modules_after(command("snippet", str(bundle_path), "--language", "c++"))
    assert not loaded & {*HEAVY, "onnxruntime", "ai_edge_litert"}


NAMES = ['a"b', "back\\slash", "\\u0022", "tab\there", "é 🎬", "??/", "\x7f", "%s {0} ${x} @about", "1", ""]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reads_back(name: str) -> None:
    assert json.loads(json_string(name)) == name
    assert json_string(name).isascii()
    # C++'s octal escapes are Python's for bytes.
    literal = cpp_string(name)
    assert ast.literal_eval(f"b{literal}").decode() == name
    assert "?" not in literal


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
def test_a_number_reads_back(dtype: str) -> None:
    random = np.random.default_rng(0)
    values = np.frombuffer(random.bytes(8_000), dtype if dtype != "bool" else "uint8")
    values = values[np.isfinite(values)] if dtype.startswith("float") else values
    for value in values.astype(bool) if dtype == "bool" else values:
        text = number(value, float_suffix="")
        read = {"true": 1, "false": 0}.get(text) if dtype == "bool" else text
        assert np.dtype(dtype).type(read) == value
