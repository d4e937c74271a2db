"""Damaged and made-up files, some hundreds at each run; ``benchmarks/endurance/fuzz_loading.py`` has more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fuzz_targets import opened_files, outcome, targets

TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
@given(random=st.randoms(use_true_random=False))
@settings(
    max_examples=300,
    deadline=None,  # a time limit says more about the machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_a_reader_answers_or_raises_one_of_our_errors(name: str, tmp_path: Path, random: Random) -> None:
    outcome(TARGETS[name], TARGETS[name].draw(random), tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_are_of_both_kinds(name: str, tmp_path: Path) -> None:
    """Mutators that break everything at the first byte would test nothing."""
    said = {outcome(TARGETS[name], TARGETS[name].draw(Random(number)), tmp_path) for number in range(200)}
    assert said == {"accepted", "BundleError"}


@pytest.mark.parametrize("name", TARGETS)
def test_an_untouched_file_is_accepted(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    # The manifest's reader has one bundle's other files, those of the second fixture.
    seeds = target.seeds[1:2] if name == "manifest" else target.seeds
    assert {outcome(target, seed, tmp_path) for seed in seeds} == {"accepted"}


def test_the_watch_on_files_sees_one(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("")
    with opened_files() as opened:
        (tmp_path / "seen").read_text()
    (tmp_path / "seen").read_text()
    assert opened == [tmp_path / "seen"]


@pytest.mark.parametrize("name", ["../outside.txt", "link"])
def test_a_reader_that_leaves_its_folder_is_caught(tmp_path: Path, name: str) -> None:
    def read(content: bytes, folder: Path) -> object:
        (folder / "link").symlink_to(folder.parent / "outside.txt")
        return (folder / name).read_text()

    with pytest.raises(AssertionError, match="opened"):
        outcome(replace(TARGETS["manifest"], read=read), b"", tmp_path)
