"""Architectures that were drawn at random, exported and held against Keras; ``make random`` draws others each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.paths import FOUND
from tests.support.random_models.check import QUIET, check
from tests.support.random_models.descriptions import Architecture, from_json, settled, to_json
from tests.support.random_models.draw import draw, fixed
from tests.support.random_models.strategy import architectures

KEPT = sorted(FOUND.glob("*.json"))
pytestmark = [
    pytest.mark.usefixtures("convert_in_process"),
    *(pytest.mark.filterwarnings(f"ignore:{message}") for message in QUIET),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "description"), fixed(), ids=[f"{number}-{kind}" for number, (kind, _) in enumerate(fixed())]
)
def test_a_fixed_architecture_is_exact(kind: str, description: Architecture) -> None:
    """Twenty that were drawn once and stay: these are no longer random."""
    assert str(check(description, kind)) == "exact"


def test_the_fixed_architectures_are_twenty_and_distinct() -> None:
    assert len(set(fixed())) == len(fixed()) == 20


@given(architectures())
@settings(
    max_examples=50, deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_a_description_is_kept_as_it_was(description: Architecture) -> None:
    assert from_json(to_json(description)) == description
    assert settled(description) == description


def test_a_seed_draws_the_same_and_another_seed_others() -> None:
    assert draw(3, seed=1) == draw(3, seed=1) != draw(3, seed=2)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_failed_once_is_exact(path: Path, kind: str) -> None:
    assert str(check(settled(from_json(path.read_text(encoding="utf-8"))), kind)) == "exact"
