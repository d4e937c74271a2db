"""Commands that are killed: the old result or the new one is in its place."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from deeprnn_edge.bundle.recovery import put_back
from deeprnn_edge.files import atomic_replace as replacing
from deeprnn_edge.files.atomic_replace import exchange
from deeprnn_edge.files.zip_writer import zip_files
from tests.support.kills import (
    RUN_COMMAND,
    WRITE_BUNDLE,
    Target,
    digest,
    kill_at_each_operation,
    kill_at_random,
    kill_before,
    make_target,
)
from tests.support.paths import FIXTURES
from tests.support.workshop import assert_untouched

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]
WITHOUT_EXCHANGE = "from deeprnn_edge.files import atomic_replace; atomic_replace.exchange = lambda *_: False\n"


@pytest.fixture
def old_zip(bundle_path: Path, tmp_path: Path) -> Path:
    path = tmp_path / "old.zip"
    path.write_bytes(zip_files({file.name: file.read_bytes() for file in bundle_path.iterdir()}))
    return path


@pytest.fixture
def packing(stream_bundle: Path, tmp_path: Path, old_zip: Path) -> Target:
    output = tmp_path / "packed" / "out.zip"
    return make_target(RUN_COMMAND, ["pack", stream_bundle, "--force", "-o", output], output, old_zip)


def test_pack_at_random_moments(packing: Target) -> None:
    found = kill_at_random(packing, 8)
    assert found["outcomes"].keys() <= {"old", "new"}
    assert sum(found["moments"].values()) == 8
    assert found["moments"]["during"] >= 1


def test_pack_before_each_operation(packing: Target) -> None:
    found = kill_at_each_operation(packing)
    # The lock, the temporary file, which is filled and takes its place, and the lock goes.
    names = ["open", "open", "open", "os.chmod", "os.rename", "os.remove", "the end"]
    assert [kill.operation for kill in found[-7:]] == names
    assert [kill.state for kill in found] == ["old"] * (len(found) - 2) + ["new"] * 2
    assert [kill.in_the_middle for kill in found[-7:]] == [False, True, True, True, True, True, False]


@pytest.mark.slow
def test_export_before_four_of_its_operations(bundle_path: Path, tmp_path: Path) -> None:
    """The first one in the output's folder, one in the middle, and the last two."""
    with zipfile.ZipFile(FIXTURES / "legacy" / "keras-2.2.4.zip") as stored:
        stored.extract("gru.h5", tmp_path)
    output = tmp_path / "exported" / "out"
    words = ["export", tmp_path / "gru.h5", "--format", "onnx", "--force", "-o", output]
    target = make_target(RUN_COMMAND, words, output, bundle_path)
    chosen = [target.within[place] for place in (0, len(target.within) // 2, -2, -1)]
    kills = [kill_before(target, number) for number in chosen]
    assert [kill.in_the_middle for kill in kills] == [False, True, True, True]
    assert kills[0].state == kills[1].state == "old"
    assert {kill.state for kill in kills} <= {"old", "new"}


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_bundle_before_each_operation(
    stream_bundle: Path, bundle_path: Path, old_zip: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "written" / name
    old = old_zip if name == "out.zip" else bundle_path
    found = kill_at_each_operation(make_target(WRITE_BUNDLE, [stream_bundle, output], output, old))
    states = [kill.state for kill in found]
    changes = sum(one != other for one, other in pairwise(states))
    assert (states[0], states[-1], changes) == ("old", "new", 1)
    assert sum(kill.in_the_middle for kill in found) > len(list(stream_bundle.iterdir()))
    assert_untouched(output.parent, name)


def test_where_names_cannot_be_exchanged_the_next_export_puts_the_old_back(
    stream_bundle: Path, bundle_path: Path, tmp_path: Path
) -> None:
    output = tmp_path / "written" / "out"
    target = make_target(WITHOUT_EXCHANGE + WRITE_BUNDLE, [stream_bundle, output], output, bundle_path)
    assert "neither" in {kill.state for kill in kill_at_each_operation(target)}

    def is_old() -> bool:
        put_back(output)
        return target.is_old()

    assert {kill.state for kill in kill_at_each_operation(replace(target, is_old=is_old))} == {"old", "new"}
    assert_untouched(output.parent, "out")


def test_putting_back_touches_nothing_else(tmp_path: Path, bundle_path: Path) -> None:
    aside = replacing.aside_of(tmp_path / "bundle")
    aside.mkdir()
    (aside / "notes.txt").write_text("mine")
    put_back(tmp_path / "bundle")
    assert_untouched(tmp_path, aside.name)
    assert (aside / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system exchanges no names")
def test_a_link_is_replaced_and_what_it_led_to_stays(tmp_path: Path, bundle_path: Path, stream_bundle: Path) -> None:
    target = tmp_path / "kept"
    replacing.replace(_copied(bundle_path, tmp_path / "one"), target)
    link = tmp_path / "link"
    link.symlink_to(target)
    replacing.replace(_copied(stream_bundle, tmp_path / "two"), link)
    assert not link.is_symlink()
    assert (digest(link), digest(target)) == (digest(stream_bundle), digest(bundle_path))


def test_an_exchange_that_fails_says_so(tmp_path: Path, bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "other")
    monkeypatch.setattr(sys, "platform", "win32")
    assert exchange(bundle_path, tmp_path) is False


def _copied(bundle: Path, to: Path) -> Path:
    to.mkdir()
    for file in bundle.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to
