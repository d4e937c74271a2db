"""Damaged weights, data sets and word lists; ``benchmarks/endurance/fuzz_loading.py`` has more of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.support.fuzz_targets import outcome
from tests.support.fuzz_workshop import workshop_targets

TARGETS = workshop_targets()


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_answers_or_raises_one_of_our_errors(name: str, tmp_path: Path) -> None:
    said = {outcome(TARGETS[name], TARGETS[name].draw(Random(f"{name} {number}")), tmp_path) for number in range(300)}
    assert said == {"accepted", "InputError"}


@pytest.mark.parametrize("name", TARGETS)
def test_an_untouched_file_is_accepted(name: str, tmp_path: Path) -> None:
    assert {outcome(TARGETS[name], seed, tmp_path) for seed in TARGETS[name].seeds} == {"accepted"}
