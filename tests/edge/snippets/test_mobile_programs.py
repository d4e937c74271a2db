"""Programs for phones, of which few machines have a compiler: what they say, and with one what they print.

Their tables are read back and run in LiteRT itself, in the order of the calls.
"""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes import RUNTIMES
from deeprnn_edge.runtimes.artifacts import open_artifact
from deeprnn_edge.snippets.languages import LANGUAGES as ALL
from deeprnn_edge.snippets.languages import choose_artifact, runtime_for, write_program
from deeprnn_edge.snippets.literals import kotlin_string, swift_string
from tests.support.changed_bundle import change_manifest
from tests.support.paths import FIXTURES
from tests.support.snippet_bundles import counting, expected_of, long_one, printed, several
from tests.support.snippet_tools import Tools, call, needed, open_brackets

LANGUAGES = ["kotlin", "swift"]
QUOTE = {"kotlin": kotlin_string, "swift": swift_string}
OFF = {"kotlin": "setUseXNNPACK(false)", "swift": "isXNNPackEnabled = false"}
# Bundle, artifact, and the golden vectors' case that the example is.
BUNDLES = {
    "text": ("bundle", "model.tflite", "batch 1, full"),
    "text stream": ("stream_text", "stream.tflite", "streamed, batch 1, full"),
    "steps": ("stream_steps", "model.tflite", "batch 1, full"),
    "steps stream": ("stream_steps", "stream.tflite", "streamed, batch 1, full"),
}


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return Tools(tmp_path_factory)


def program(bundle: Path, artifact: str | None, language: str) -> str:
    opened = open_bundle(bundle)
    return write_program(opened, choose_artifact(opened, artifact, language), language)


def tables(text: str) -> list[NDArray[Any]]:
    """Every table of numbers in a program: those of the inputs, then those of the outputs."""
    found = re.findall(r"(?:ArrayOf\(|= \[)\n([-+\d.efL,\s]+)\n", text)
    return [np.array([float(one.strip().rstrip("fL")) for one in table.split(",")]) for table in found]


def specs_of(manifest: Manifest, artifact: str) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    if artifact.startswith("stream"):
        assert manifest.stream is not None
        return manifest.stream.inputs, manifest.stream.outputs
    return manifest.inputs, manifest.outputs


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", BUNDLES)
def test_the_tables_give_the_golden_answer_in_the_file(which: str, language: str) -> None:
    folder, path, _ = BUNDLES[which]
    bundle = open_bundle(FIXTURES / folder)
    artifact = bundle.artifact(path)
    text = program(FIXTURES / folder, path, language)
    inputs, outputs = specs_of(bundle.manifest, path)
    numbers = tables(text)
    assert len(numbers) == len(inputs) + len(outputs)
    pytest.importorskip("ai_edge_litert")
    session = open_artifact(bundle, artifact)
    steps = int(found[1]) if (found := re.search(r"(?:STEPS|steps) = (\d+)", text)) else 1
    stream = bundle.manifest.stream
    states = {
        one.name: np.full((1, *one.shape[1:]), one.initial, one.dtype) for one in (stream.states if stream else ())
    }
    fed = {one.name: given.reshape(steps, -1) for one, given in zip(inputs, numbers, strict=False)}
    answers: list[list[float]] = [[] for _ in outputs]
    for step in range(steps):
        feeds = {
            one.name: fed[one.name][step].reshape(
                [-1 if size == "time" else 1 if size == "batch" else size for size in one.shape]
            )
            for one in inputs
        }
        given = {name: value.astype("float32" if name == "x" else "int32") for name, value in feeds.items()}
        answer = session.run(given | states if path.startswith("stream") else given)
        for one, into in zip(outputs, answers, strict=True):
            into[:] = (into if "time" in one.shape else []) + answer[one.name].ravel().tolist()
        states = {one.name: answer[one.next_name] for one in stream.states} if stream and steps > 1 else states
    for answered, expected in zip(answers, numbers[len(inputs) :], strict=True):
        np.testing.assert_allclose(answered, expected, rtol=0, atol=artifact.parity.atol)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", BUNDLES)
def test_everything_is_named_and_every_golden_number_there(which: str, language: str) -> None:
    folder, path, case = BUNDLES[which]
    bundle = open_bundle(FIXTURES / folder)
    text = program(FIXTURES / folder, path, language)
    golden = next(one for one in decode_golden(bundle.read_golden()) if one.name == case)
    inputs, outputs = specs_of(bundle.manifest, path)
    chunk = bundle.artifact(path).chunk
    wanted = [*(golden.inputs[one.name] for one in inputs), *(golden.outputs[one.name] for one in outputs)]
    for spec, table, array in zip((*inputs, *outputs), tables(text), wanted, strict=True):
        np.testing.assert_array_equal(table.astype(array.dtype), array.ravel(), strict=True)
        shape = [1, *array.shape[1:]] if chunk is None else [1, chunk, *array.shape[2:]]
        assert f"// {spec.dtype} {shape}\n" in text
        assert f"({'name: ' * (language == 'swift')}{QUOTE[language](spec.name)}, " in text
    states = bundle.manifest.stream.states if bundle.manifest.stream and chunk else ()
    for state in states:
        assert QUOTE[language](state.name) in text
        assert QUOTE[language](state.next_name) in text
        assert f"// {state.dtype} {[1, *state.shape[1:]]}\n" in text
    assert ("A call may take more steps at once" in text) is False
    assert (f"a call takes {'one step' if chunk == 1 else f'{chunk} steps'}," in text) == (chunk is not None)
    assert ", ".join(f'"{label}"' for label in bundle.manifest.labels) in text
    assert not open_brackets(text)
    assert not re.search(r"@\w", text)
    assert OFF[language] not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_without_delegates_turns_xnnpack_off(language: str, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(FIXTURES / "bundle", tmp_path / "bundle"))
    artifacts = open_bundle(bundle).manifest.artifacts
    change_manifest(bundle, artifacts=tuple(replace(one, delegates=False) for one in artifacts))
    before, after = program(FIXTURES / "bundle", None, language), program(bundle, None, language)
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert len(changed) == 2
    assert OFF[language] in changed[-1]
    assert changed[0].endswith("Without XNNPACK, which refuses this file.")


def test_a_file_of_an_earlier_release_that_keeps_a_state_says_so() -> None:
    for language in LANGUAGES:
        assert "keeps a state from one call to the next" in program(FIXTURES / "stream_steps", "model.tflite", language)
        assert "keeps a state" not in program(FIXTURES / "bundle", None, language)


def test_each_language_is_of_one_runtime() -> None:
    named = [language for runtime in RUNTIMES.values() for language in runtime.languages]
    assert sorted(named) == sorted(ALL)


def as_tflite(bundle: Path, language: str) -> Path:
    """Let the manifest call the file another format: only its content could tell, which is not looked at."""
    artifacts = open_bundle(bundle).manifest.artifacts
    change_manifest(bundle, artifacts=tuple(replace(one, format=runtime_for(language).name) for one in artifacts))
    return bundle


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_dtype_and_hard_names_are_written(language: str, tmp_path: Path) -> None:
    bundle = as_tflite(several(tmp_path / "bundle"), language)
    text = program(bundle, None, language)
    case = decode_golden(open_bundle(bundle).read_golden())[0]
    for table, array in zip(tables(text), [*case.inputs.values(), *case.outputs.values()], strict=True):
        np.testing.assert_array_equal(table.astype(array.dtype), array[0].ravel())
    for name in (*case.inputs, *case.outputs):
        assert QUOTE[language](name) in text
    assert not open_brackets(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_states_begin_as_the_manifest_says_and_one_row_runs(language: str, tmp_path: Path) -> None:
    text = program(as_tflite(counting(tmp_path / "bundle"), language), None, language)
    begin = {"kotlin": ("2, 0.25f)", "1, 3L)"), "swift": ("count: 2, initial: 0.25)", "count: 1, initial: 3)")}
    for part in (*begin[language], "// float32 [1, 1, 2]\n", "// int64 [1, 1]\n"):
        assert part in text
    assert not open_brackets(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_tables_repeat(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = as_tflite(long_one(tmp_path / "bundle"), language)
    monkeypatch.setattr("deeprnn_edge.snippets.example._run", lambda *found: {"y": -found[-1]["x"]})
    text = program(bundle, None, language)
    assert [table.size for table in tables(text)] == [2000, 2000]
    again = {
        "kotlin": "List(4500) { first[it % first.size] }",
        "swift": "(0..<4500).map { Double(input0[$0 % input0.count]) }",
    }
    assert again[language] in text
    assert "largest difference to LiteRT in Python" in text
    assert len(text) < 100_000


def test_a_whole_number_that_a_double_does_not_hold_is_refused(tmp_path: Path) -> None:
    bundle = as_tflite(several(tmp_path / "bundle"), "swift")
    (case,) = decode_golden(open_bundle(bundle).read_golden())
    large = {"long": np.full((1, 3), (1 << 53) + 2)}
    (bundle / GOLDEN).write_bytes(encode_golden([replace(case, inputs=case.inputs | large)]))
    with pytest.raises(InputError, match=r"'long' has numbers above 9,007,199,254,740,992 .*take another language"):
        program(bundle, None, "swift")
    assert f"{(1 << 53) + 2}L" in program(bundle, None, "kotlin")


@pytest.mark.parametrize("name", ['a"b', "\\u0041 \\(x) ${y} $z", "tab\t\f\x7f", "\u00e9 \U0001f3ac", ""])
def test_a_name_reads_back(name: str) -> None:
    for written, escape in ((kotlin_string(name), r"\\u([0-9a-f]{4})"), (swift_string(name), r"\\u\{([0-9a-f]+)\}")):
        assert written.isascii()
        assert re.fullmatch(r'"([^"\\$\n]|\\.)*"', written) or "$" in swift_string(name)
        halves = re.sub(escape, lambda found: chr(int(found[1], 16)), re.sub(r"\\\$", "$", written[1:-1]))
        plain = re.sub(r'\\([\\"tf])', lambda found: {"t": "\t", "f": "\f"}.get(found[1], found[1]), halves)
        assert plain.encode("utf-16", "surrogatepass").decode("utf-16") == name or "\\u0041" in name


@pytest.mark.slow
@pytest.mark.parametrize("which", BUNDLES)
def test_a_kotlin_program_prints_the_golden_answer(which: str, tools: Tools) -> None:
    folder, path, case = BUNDLES[which]
    done = tools("kotlin")(program(FIXTURES / folder, path, "kotlin"), FIXTURES / folder / path)
    assert done.code == 0, done.said
    seen, wanted = printed(done.output), expected_of(FIXTURES / folder, case, path)
    assert list(seen) == list(wanted)
    for name, numbers in wanted.items():
        assert np.allclose(seen[name], numbers[:8].astype(np.float64), rtol=1e-6, atol=1e-5), name


@pytest.mark.slow
def test_a_kotlin_program_ends_with_1_where_the_answer_is_another(tmp_path: Path, tools: Tools) -> None:
    bundle = Path(shutil.copytree(FIXTURES / "bundle", tmp_path / "bundle"))
    cases = decode_golden(open_bundle(bundle).read_golden())
    wrong = [
        replace(case, outputs={name: one + np.float32(2e-5) for name, one in case.outputs.items()}) for case in cases
    ]
    (bundle / GOLDEN).write_bytes(encode_golden(wrong))
    done = tools("kotlin")(program(bundle, None, "kotlin"), bundle / "model.tflite")
    assert done.code == 1, done.said
    assert math.isclose(float(re.findall(r"to Keras: (\S+),", done.output)[0]), 2e-5, rel_tol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("make", [several, counting])
def test_every_kotlin_program_compiles(make: Any, tmp_path: Path, tools: Tools) -> None:
    bundle = as_tflite(make(tmp_path / "bundle"), "kotlin")
    done = tools("kotlin")(program(bundle, None, "kotlin"), bundle / "model.onnx")
    # It came as far as the library, which is given another format.
    assert "error:" not in done.said
    assert 'Exception in thread "main"' in done.said


@pytest.mark.slow
@pytest.mark.parametrize("make", [several, counting])
def test_the_swift_programs_parse(make: Any, tmp_path: Path) -> None:
    compiler = needed("swiftc")
    text = program(as_tflite(make(tmp_path / "bundle"), "swift"), None, "swift")
    (tmp_path / "main.swift").write_text(text, encoding="utf-8")
    assert call(compiler, "-parse", tmp_path / "main.swift").code == 0
