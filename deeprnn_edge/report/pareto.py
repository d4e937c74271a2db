"""Find which of several is worth having: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence


def find_front(costs: Sequence[Sequence[float]]) -> list[bool]:
    """Tell of each whether it is on the front: no other costs at most as much in everything and less in something.

    Two that cost the same are on it together.
    """
    return [not any(_beats(other, one) for other in costs) for one in costs]


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
