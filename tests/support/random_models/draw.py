"""Draw random architectures by a seed, and keep some that stay the same for ever."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.support.paths import FIXED
from tests.support.random_models.descriptions import Architecture, from_json
from tests.support.random_models.strategy import architectures


def draw(count: int, seed: int) -> list[Architecture]:
    """Draw distinct architectures: the same for the same seed, those of a smaller count first."""
    drawn: dict[Architecture, Architecture] = {}
    number = 0
    while len(drawn) < count:
        description = draw_one(seed * 1_000_000 + number)
        drawn.setdefault(replace(description, seed=0), description)
        number += 1
    return list(drawn.values())


def draw_one(seed: int) -> Architecture:
    """Draw one architecture. Many from one run of hypothesis would resemble each other: it varies what it drew."""
    drawn: list[Architecture] = []

    @seeded(seed)
    @settings(
        max_examples=2,  # the first is always the simplest
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(architectures())
    def collect(description: Architecture) -> None:
        drawn.append(description)

    collect()
    return drawn[-1]


def fixed() -> list[tuple[str, Architecture]]:
    """Read the twenty architectures that every run of the suite exports, each with its format."""
    kept = json.loads(FIXED.read_text(encoding="utf-8"))
    return [(one["format"], from_json(json.dumps(one["architecture"]))) for one in kept]
