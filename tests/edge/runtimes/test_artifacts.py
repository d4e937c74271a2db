"""Which artifact is taken, and what becomes of one whose format nothing here runs."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.choice.choose import choose
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import BundleError, MissingExtraError
from deeprnn_edge.inference.packing import pack
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.runtimes import RUNTIMES, runtime_of
from deeprnn_edge.runtimes.artifacts import choose_artifact, read_artifact
from deeprnn_edge.snippets.languages import choose_artifact as choose_for_program
from deeprnn_edge.web.settings import choose_artifact as choose_for_page
from tests.support.changed_bundle import change_manifest

LATER = r"is of the format 'later', and this release runs onnx, tflite, c: install a newer release, or the package"
ALONE = rf"has no artifact that runs here: model\.later {LATER}"


def add_later(bundle: Path, *, alone: bool = False) -> None:
    """An artifact of a format that came later than this release, the first of the bundle or the only one."""
    (first, *others) = open_bundle(bundle).manifest.artifacts
    shutil.copy(bundle / first.path, bundle / "model.later")
    later = dataclasses.replace(first, path="model.later", format="later")
    change_manifest(bundle, artifacts=(later,) if alone else (later, first, *others))


@pytest.fixture
def bundle(bundle_path: Path, tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    add_later(copied)
    return copied


def test_the_order_of_the_runtimes_decides_not_that_of_the_manifest(bundle_path: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    artifacts = open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=artifacts[::-1])
    assert artifacts[::-1][0].format == list(RUNTIMES)[1]
    assert choose_artifact(open_bundle(copied)).path == artifacts[0].path


def test_whole_sequences_come_before_streams_whatever_their_format(bundle_path: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    onnx, tflite = open_bundle(copied).manifest.artifacts
    change_manifest(copied, artifacts=(dataclasses.replace(onnx, kind="stream"), tflite))
    assert choose_artifact(open_bundle(copied)).path == tflite.path


def test_an_artifact_of_another_format_is_passed_over(bundle: Path, bundle_path: Path, tmp_path: Path) -> None:
    assert open_bundle(bundle).manifest.artifacts[0].format == "later"
    model = deeprnn_edge.load(bundle)
    assert model.artifact.path == "model.onnx"
    assert (model.predict(["a gorgeous film"]) == deeprnn_edge.load(bundle_path).predict(["a gorgeous film"])).all()
    assert pack(bundle, tmp_path / "out.zip").artifacts == ("model.onnx",)
    assert choose_for_page(open_bundle(bundle), None).path == "model.onnx"
    assert choose_for_program(open_bundle(bundle), None, "java").path == "model.onnx"


def test_verify_says_which_were_skipped(bundle: Path) -> None:
    first, second, *_ = deeprnn_edge.verify(bundle)
    assert (first.artifact, first.differences) == ("model.later", ())
    assert "'later'" in (first.problem or "")
    assert second.passed
    result = CliRunner().invoke(main, ["verify", str(bundle)])
    assert result.exit_code == 0, result.output
    assert "model.later: not run: model.later is of the format 'later'" in result.stdout


def test_inspect_shows_it_with_the_operators_of_the_manifest(bundle: Path) -> None:
    file = inspect_path(bundle).artifacts[0]
    assert (file.path, file.format, file.tensors, file.recurrent) == ("model.later", "later", (), {})
    assert file.operators == open_bundle(bundle).manifest.artifacts[0].operators
    result = CliRunner().invoke(main, ["inspect", str(bundle)])
    assert "model.later was not read, the operators are the manifest's: model.later is of the format" in result.stdout


def test_bench_and_choose_leave_it_out_and_say_why(bundle: Path) -> None:
    row, *others = bench(bundle, runs=1, probes=False).rows
    assert (row.name, row.status, row.timing) == ("model.later", "skipped", None)
    assert "'later'" in (row.problem or "")
    assert others[0].status == "ok"
    choice = choose(bundle, seconds=0.01)
    assert choice.chosen != "model.later"
    verdicts = {one.path: (one.verdict, one.reasons) for one in choice.artifacts}
    assert verdicts["model.later"][0] == "cannot run"
    assert "'later'" in verdicts["model.later"][1][0]


ASKS: dict[str, Callable[[Path], object]] = {
    "load": lambda bundle: deeprnn_edge.load(bundle, artifact="model.later"),
    "verify": lambda bundle: deeprnn_edge.verify(bundle, artifact="model.later"),
    "bench": lambda bundle: bench(bundle, artifacts=["model.later"], runs=1),
    "pack": lambda bundle: pack(bundle, bundle.parent / "out.zip", artifacts=["model.later"]),
}


@pytest.mark.parametrize("how", ASKS)
def test_asking_for_it_names_the_format_and_those_that_run(bundle: Path, how: str) -> None:
    with pytest.raises(MissingExtraError, match=rf"^model\.later {LATER}"):
        ASKS[how](bundle)


@pytest.mark.parametrize(
    "call",
    [
        deeprnn_edge.load,
        deeprnn_edge.verify,
        lambda path: pack(path, path.parent / "out.zip"),
        lambda path: bench(path),
    ],
)
def test_a_bundle_of_no_other_says_so(bundle_path: Path, tmp_path: Path, call: Callable[[Path], object]) -> None:
    copied = Path(shutil.copytree(bundle_path, tmp_path / "bundle"))
    add_later(copied, alone=True)
    with pytest.raises(MissingExtraError, match=LATER):
        call(copied)
    with pytest.raises(MissingExtraError, match=ALONE):
        choose_artifact(open_bundle(copied))
    assert inspect_path(copied).artifacts[0].problem


@pytest.mark.parametrize("call", [deeprnn_edge.verify, inspect_path, lambda path: bench(path, runs=1)])
def test_its_hash_is_held_all_the_same(bundle: Path, call: Callable[[Path], object]) -> None:
    content = bytearray((bundle / "model.later").read_bytes())
    content[20] ^= 1
    (bundle / "model.later").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.later differs from the hash in the manifest"):
        call(bundle)


def test_a_formats_own_check_comes_before_its_runtime(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(content: bytes, path: str) -> None:
        raise BundleError(f"{path}: {len(content)} bytes that are not wanted")

    opened = open_bundle(bundle_path)
    artifact = choose_artifact(opened)
    monkeypatch.setitem(RUNTIMES, artifact.format, dataclasses.replace(RUNTIMES[artifact.format], check=refuse))
    with pytest.raises(BundleError, match=rf"^{artifact.path}: {artifact.size_bytes} bytes that are not wanted$"):
        read_artifact(opened, artifact)


def test_a_format_from_a_stranger_does_not_steer_the_terminal() -> None:
    with pytest.raises(MissingExtraError) as error:
        runtime_of("\x1b[31m" + "x" * 1000)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400
