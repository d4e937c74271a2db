"""C artifacts on a device: permission, the cache, whole and cut, and what is refused."""

from __future__ import annotations

import dataclasses
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.golden import decode_golden
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.runtimes.artifacts import start_runtime
from deeprnn_edge.runtimes.c import compiler
from deeprnn_edge.runtimes.c.description import read_description
from deeprnn_edge.runtimes.c.inspection import inspect_source
from deeprnn_edge.runtimes.c.session import CSession
from tests.support.changed_bundle import change_manifest

pytestmark = pytest.mark.slow  # each compiles

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler is installed"
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiler.CACHE, str(tmp_path / "cache"))


def source_of(bundle: Path) -> bytes:
    return (bundle / "model.c").read_bytes()


def test_without_permission_nothing_is_compiled(source_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"allow_native_code=True.*DEEPRNN_EDGE_ALLOW_NATIVE_CODE"):
        deeprnn_edge.load(source_bundle)
    assert not (tmp_path / "cache").exists()
    with pytest.raises(MissingExtraError, match="source"):
        deeprnn_edge.verify(source_bundle)


@needs_compiler
def test_the_environment_permits_too(source_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPRNN_EDGE_ALLOW_NATIVE_CODE", "1")
    (found,) = deeprnn_edge.verify(source_bundle)
    assert found.passed
    assert found.max_abs_diff < 1e-6


@needs_compiler
def test_it_answers_as_keras_did(source_bundle: Path) -> None:
    model = deeprnn_edge.load(source_bundle, artifact="model.c", allow_native_code=True)
    for case in decode_golden((source_bundle / "golden.npz").read_bytes()):
        if set(case.inputs) == {"x"}:
            np.testing.assert_allclose(
                model.run(case.inputs)["probabilities"], case.outputs["probabilities"], rtol=0, atol=1e-6
            )


@needs_compiler
@pytest.mark.parametrize("rows", [1, 3])
def test_whole_and_cut_are_the_same_bits(source_bundle: Path, rows: int) -> None:
    model = deeprnn_edge.load(source_bundle, allow_native_code=True)
    x = np.random.default_rng(0).standard_normal((rows, 50, 5)).astype(np.float32)
    whole = model.run(x)["probabilities"]
    stream = model.stream(rows)
    cuts = [0, 1, 2, 19, 20, 50]
    parts = [stream.push(x[:, a:b]) for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate([np.asarray(part) for part in parts], axis=1), whole)


@needs_compiler
def test_a_saved_state_goes_on(source_bundle: Path) -> None:
    model = deeprnn_edge.load(source_bundle, allow_native_code=True)
    x = np.random.default_rng(1).standard_normal((1, 12, 5)).astype(np.float32)
    stream = model.stream()
    stream.push(x[:, :7])
    again = model.stream(state=stream.state)
    np.testing.assert_array_equal(stream.push(x[:, 7:]), again.push(x[:, 7:]))


@needs_compiler
def test_a_library_is_compiled_once(source_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiler.build_library(source_of(source_bundle), "model.c")
    monkeypatch.setattr(compiler.subprocess, "run", None)
    assert compiler.build_library(source_of(source_bundle), "model.c") == first
    assert first.stat().st_mode & 0o777 == 0o700
    assert first.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in first.parent.iterdir()] == [first.name]


def test_a_cache_that_others_can_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "native"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(BundleError, match="chmod 700"):
        compiler.cache_folder()


@needs_compiler
def test_a_source_that_does_not_compile_leaves_nothing(source_bundle: Path) -> None:
    broken = source_of(source_bundle) + b"\nint broken(\n"
    with pytest.raises(BundleError, match=r"does not compile model\.c: .*error"):
        CSession(broken, "model.c")
    assert list(compiler.cache_folder().iterdir()) == []


def test_without_a_compiler_it_says_what_to_install(source_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.shutil, "which", lambda _: None)
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"no.*compiler|deeprnn-edge\[c\]"):
        CSession(source_of(source_bundle), "model.c")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"/* deeprnn-edge: ", b"/* other: ", "description is missing"),
        (b'"version":1', b'"version":9', "version 9"),
        (b'"version":1', b'"version":', "not JSON"),
        (b'"offset":0', b'"offset":99999', "cannot be"),
        (b'"prefix":', b'"prefixes":', "prefix"),
    ],
)
def test_a_description_that_cannot_be_is_refused(source_bundle: Path, old: bytes, new: bytes, said: str) -> None:
    content = source_of(source_bundle)
    assert old in content
    with pytest.raises(BundleError, match=said):
        read_description(content.replace(old, new, 1), "model.c")


@needs_compiler
def test_another_interface_is_refused(source_bundle: Path, tmp_path: Path) -> None:
    copied = tmp_path / "bundle"
    shutil.copytree(source_bundle, copied)
    (spec,) = open_bundle(copied).manifest.inputs
    change_manifest(copied, inputs=(dataclasses.replace(spec, name="other"),))
    with pytest.raises(BundleError, match="other"):
        deeprnn_edge.load(copied, allow_native_code=True)


@needs_compiler
def test_unequal_shapes_are_named(source_bundle: Path) -> None:
    session = CSession(source_of(source_bundle), "model.c")
    with pytest.raises(InputError, match=r"'x' has the shape \(1, 4, 3\)"):
        session.run({"x": np.zeros((1, 4, 3), np.float32)})


def test_inspect_reads_the_source_without_running_it(source_bundle: Path) -> None:
    found = inspect_source(source_of(source_bundle), "model.c")
    assert found.recurrent == {"Recur": 2}
    assert {tensor.dtype for tensor in found.tensors} == {"float32"}
    assert found.inputs[0].shape == ("batch", "time", 5)


@needs_compiler
def test_the_start_model_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPRNN_EDGE_ALLOW_NATIVE_CODE", "1")
    start_runtime("c")
