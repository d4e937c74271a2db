"""Read what a device allows a model (size, latency, drop in accuracy) from text, and compare values with it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from deeprnn_edge.errors import InputError

Measure = Literal["size", "latency", "accuracy"]

# Fifteen digits are more than any file or wait has, and few enough for exact decimals.
_NUMBER_AND_UNIT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})\s*([^\W\d_]*|%)")
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
# Case folding makes one letter of both signs that Unicode has for micro.
_MILLISECONDS = {
    "s": Decimal(1000),
    "ms": Decimal(1),
    "us": Decimal("1e-3"),
    "µs".casefold(): Decimal("1e-3"),
    "ns": Decimal("1e-6"),
}
_POINTS = frozenset({"", "%", "point", "points"})


@dataclass(frozen=True)
class Budgets:
    """Hold upper limits, each included; None where there is none.

    Attributes:
        max_latency_ms: of the median call.
        max_accuracy_drop_points: percentage points below the Keras model.
    """

    max_size_bytes: int | None = None
    max_latency_ms: float | None = None
    max_accuracy_drop_points: float | None = None

    def limit(self, measure: Measure) -> float | None:
        """Return the budget of one measure, in bytes, milliseconds or points."""
        limits = {
            "size": self.max_size_bytes,
            "latency": self.max_latency_ms,
            "accuracy": self.max_accuracy_drop_points,
        }
        return limits[measure]


@dataclass(frozen=True)
class Excess:
    """Hold a value above its budget, both in bytes, milliseconds or points."""

    measure: Measure
    value: float
    limit: float

    @property
    def ratio(self) -> float:
        """Return how many times the budget the value is; infinite where nothing is allowed."""
        return self.value / self.limit if self.limit else math.inf


def check_budgets(budgets: Budgets) -> Budgets:
    """Return the budgets.

    Raises:
        InputError: for one that nothing meets: a size or latency of 0, a negative drop, NaN.
    """
    for name, value, zero in (
        ("max_size_bytes", budgets.max_size_bytes, False),
        ("max_latency_ms", budgets.max_latency_ms, False),
        ("max_accuracy_drop_points", budgets.max_accuracy_drop_points, True),
    ):
        if value is not None and not (0 < value < math.inf or (zero and value == 0)):
            raise InputError(f"{name} {value:g}: give a number " + ("of at least 0" if zero else "above 0"))
    return budgets


def parse_size(text: str) -> int:
    """Read ``400KB`` as 400,000 bytes: KB, MB and GB are powers of 1,000, KiB, MiB and GiB of 1,024; a part is cut off.

    Raises:
        InputError: for anything else, and for less than one byte.
    """
    examples = "give a number above 0 with a unit, such as 400KB, 0.4MB, 390KiB, or bytes alone: 400000"
    number, unit = _split(text)
    if number is None or unit not in _BYTES:
        raise InputError(f"size {text!r} is not understood; {examples}")
    size_bytes = int(number * _BYTES[unit])
    if size_bytes < 1:
        raise InputError(f"size {text!r} is less than one byte; {examples}")
    return size_bytes


def parse_latency(text: str) -> float:
    """Read ``0.2ms`` as milliseconds: s, ms, us or µs, ns.

    Raises:
        InputError: for anything else, for 0 and without a unit.
    """
    examples = "give a number above 0 with a unit, such as 0.2ms, 200us or 1s"
    number, unit = _split(text)
    if number is not None and not unit:
        raise InputError(f"latency {text!r} has no unit; {examples}")
    if number is None or unit not in _MILLISECONDS:
        raise InputError(f"latency {text!r} is not understood; {examples}")
    if not number:
        raise InputError(f"latency {text!r} leaves no time for a call; {examples}")
    return float(number * _MILLISECONDS[unit])


def parse_points(text: str) -> float:
    """Read ``0.5``, ``0.5%`` or ``0.5 points`` as percentage points, 0 among them.

    Raises:
        InputError: for anything else.
    """
    number, unit = _split(text)
    if number is None or unit not in _POINTS:
        raise InputError(
            f"accuracy drop {text!r} is not understood; "
            "give percentage points from 0 up, such as 0.5: from 90% to no less than 89.5%"
        )
    return float(number)


def format_value(measure: Measure, value: float) -> str:
    """Write a value with its unit: ``5,257 bytes``, ``0.021 ms``, ``0.5 points``."""
    if measure == "size":
        return f"{value:,.0f} byte{'' if value == 1 else 's'}"
    if measure == "latency":
        return f"{format_latency(value)} ms"
    return f"{value:.3g} point{'' if value == 1 else 's'}"


def format_latency(latency_ms: float) -> str:
    """Write three digits and more of a latency, whatever its size: ``0.0214``, ``1.250``, ``1,234.500``."""
    return f"{latency_ms:,.3f}" if latency_ms >= 1 else f"{latency_ms:.3g}"


def describe_excess(excess: Excess) -> str:
    """Describe an excess: ``size 73,232 bytes, 33,232 bytes over the budget of 40,000 bytes``."""
    value, over, limit = (
        format_value(excess.measure, number) for number in (excess.value, excess.value - excess.limit, excess.limit)
    )
    name = "accuracy drop" if excess.measure == "accuracy" else excess.measure
    return f"{name} {value}, {over} over the budget of {limit}"


def describe_need(excess: Excess) -> str:
    """Name the option that would allow the value, rounded up: ``--max-size 73232B``."""
    if excess.measure == "size":
        return f"--max-size {excess.value:.0f}B"
    if excess.measure == "latency":
        return f"--max-latency {_round_up(excess.value)}ms"
    return f"--max-accuracy-drop {_round_up(excess.value)}"


def _split(text: str) -> tuple[Decimal | None, str]:
    matched = _NUMBER_AND_UNIT.fullmatch(text.strip())
    return (Decimal(matched[1]), matched[2].casefold()) if matched else (None, "")


def _round_up(value: float) -> str:
    """Round a positive value up to two significant digits at least."""
    decimals = max(0, 1 - math.floor(math.log10(value)))
    return f"{math.ceil(round(value * 10**decimals, 6)) / 10**decimals:.{decimals}f}"
