"""The programs of ``deeprnn-edge snippet``, built and run: they print the golden vectors' answers, or end with 1."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deeprnn_edge.bundle.bundle import GOLDEN, open_bundle
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.runtimes import PORTABLE
from deeprnn_edge.snippets.example import make_example
from deeprnn_edge.snippets.languages import choose_artifact, write_program
from tests.support.paths import FIXTURES
from tests.support.snippet_bundles import counting, expected_of, long_one, long_stream, printed, several
from tests.support.snippet_tools import Tools, call, needed, open_brackets

# Python runs at once; the others are built first, with what is fetched for it.
BUILT = [pytest.param(one, marks=[] if one == "python" else pytest.mark.slow) for one in PORTABLE.languages]


def fixture(name: str) -> Callable[[Path], Path]:
    return lambda folder: Path(shutil.copytree(FIXTURES / name, folder))


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return Tools(tmp_path_factory)


# Bundle, artifact, and the golden vectors' case that the example is.
BUNDLES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "text": (fixture("bundle"), "model.onnx", "batch 1, full"),
    "text stream": (fixture("stream_text"), "stream.onnx", "streamed, batch 1, full"),
    "steps": (fixture("stream_steps"), "model.onnx", "batch 1, full"),
    "steps stream": (fixture("stream_steps"), "stream.onnx", "streamed, batch 1, full"),
    "several": (several, "model.onnx", "batch 1, full"),
    "counting stream": (counting, "model.onnx", "streamed, batch 2, full"),
}


def program(bundle: Path, artifact: str, language: str) -> str:
    opened = open_bundle(bundle)
    return write_program(opened, choose_artifact(opened, artifact, language), language)


@pytest.mark.parametrize("language", BUILT)
@pytest.mark.parametrize("which", BUNDLES)
def test_a_program_prints_the_golden_answer(which: str, language: str, tmp_path: Path, tools: Tools) -> None:
    make, artifact, case = BUNDLES[which]
    bundle = make(tmp_path / "bundle")
    done = tools(language)(program(bundle, artifact, language), bundle / artifact)
    assert done.code == 0, done.said
    seen = printed(done.output)
    wanted = expected_of(bundle, case, artifact)
    assert list(seen) == list(wanted)
    for name, numbers in wanted.items():
        first = numbers[:8].astype(np.float64)
        assert np.allclose(seen[name], first, rtol=1e-6, atol=1e-5), name


@pytest.mark.parametrize("language", BUILT)
def test_a_program_ends_with_1_where_the_answer_is_another(language: str, tmp_path: Path, tools: Tools) -> None:
    bundle = BUNDLES["text"][0](tmp_path / "bundle")
    cases = decode_golden(open_bundle(bundle).read_golden())
    wrong = [
        replace(case, outputs={name: one + np.float32(2e-5) for name, one in case.outputs.items()}) for case in cases
    ]
    (bundle / GOLDEN).write_bytes(encode_golden(wrong))
    done = tools(language)(program(bundle, "model.onnx", language), bundle / "model.onnx")
    assert done.code == 1, done.said
    assert re.search(r"largest difference to Keras: [12][.\d]*[eE]-0?5, allowed 1(\.0)?[eE]-0?5", done.output)


@pytest.mark.parametrize("language", BUILT)
@pytest.mark.parametrize("make", [long_one, long_stream])
def test_long_arrays_repeat_and_are_compared_in_part(
    make: Callable[[Path], Path], language: str, tmp_path: Path, tools: Tools
) -> None:
    bundle = make(tmp_path / "bundle")
    opened = open_bundle(bundle)
    example = make_example(opened, opened.artifact("model.onnx"))
    assert (example.reference, example.inputs[0].numbers.size) == ("ONNX Runtime in Python", 2000)
    text = program(bundle, "model.onnx", language)
    assert len(text) < 100_000
    done = tools(language)(text, bundle / "model.onnx")
    assert done.code == 0, done.said
    values = decode_golden(opened.read_golden())[0].inputs["x"].ravel()
    assert np.allclose(printed(done.output)["y"], -values[:8].astype(np.float64), rtol=1e-6)
    assert "largest difference to ONNX Runtime in Python" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("make", [several, counting, long_one, long_stream])
def test_the_java_programs_compile(make: Callable[[Path], Path], tmp_path: Path, tools: Tools) -> None:
    javac, native = needed("javac"), tools.native()
    (tmp_path / "Snippet.java").write_text(program(make(tmp_path / "bundle"), "model.onnx", "java"), encoding="utf-8")
    done = call(javac, "-Xlint:all", "-Werror", "-cp", native / "classes.jar", "Snippet.java", folder=tmp_path)
    assert done.code == 0, done.said


@pytest.mark.parametrize("language", ["java", "csharp"])
@pytest.mark.parametrize("make", [several, counting, long_one, long_stream])
def test_brackets_close_in_their_order(make: Callable[[Path], Path], language: str, tmp_path: Path) -> None:
    assert not open_brackets(program(make(tmp_path / "bundle"), "model.onnx", language))
