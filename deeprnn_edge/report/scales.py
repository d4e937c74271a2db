"""Make axes: where a value lies, which ticks an axis has, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# From here on an axis of measured values is logarithmic.
_WIDE_RATIO = 4


@dataclass(frozen=True)
class Scale:
    """Hold an axis from ``low`` to ``high``, drawn from ``start`` to ``end``, with its ticks."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return where a value lies; one outside of the axis at its end."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def fit_scale(
    values: Sequence[float], start: float, end: float, *, log: bool | None = None, zero: bool = False
) -> Scale:
    """Make an axis that holds values, between round numbers.

    Args:
        values: in the axis's unit.
        start: where the axis is drawn from.
        end: where it is drawn to.
        log: None for a logarithmic one where the values span much; needs values above 0.
        zero: begin at 0, as bars do; not with ``log``.
    """
    low, high = min(values), max(values)
    if log if log is not None else not zero and low > 0 and high / low > _WIDE_RATIO:
        ticks = _log_ticks(low, high)
        return Scale(ticks[0], ticks[-1], start, end, True, _thin(ticks))
    low = 0.0 if zero else low
    if high <= low:
        low, high = (0.0, high or 1.0) if low <= 0 or zero else (low * 0.9, high * 1.1)
    ticks = _linear_ticks(low, high)
    return Scale(ticks[0], ticks[-1], start, end, False, ticks)


def format_ms(value: float) -> str:
    """Write milliseconds, or microseconds, to three digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def format_difference(value: float) -> str:
    """Write a difference as ``1.4e-06``, and 0 as it is."""
    return f"{value:.1e}" if value else "0"


def format_tick(value: float) -> str:
    """Write a round number, short."""
    return f"{value:,.0f}" if 1000 <= value < 1e6 else f"{value:g}"


def format_bytes(value: float) -> str:
    """Write bytes as ``1.32 MB``: three digits, units of a thousand."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g} B"


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return 1, 2 and 5 of each decade, from the one below to the one above."""
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    # By their text, so that the ticks are the floats which the numbers on them say.
    candidates = [float(f"{lead}e{decade}") for decade in range(first, last + 1) for lead in (1, 2, 5)]
    begin = max(index for index, tick in enumerate(candidates) if tick <= low)
    end = min(index for index, tick in enumerate(candidates) if tick >= high and index > begin)
    return tuple(candidates[begin : end + 1])


def _thin(ticks: tuple[float, ...]) -> tuple[float, ...]:
    """Keep all of few ticks; of many the decades alone, and of very many every other."""
    if len(ticks) <= 7:
        return ticks
    decades = tuple(tick for tick in ticks if f"{tick:e}".startswith("1.000000e"))
    return decades[:: 1 + len(decades) // 8]


def _linear_ticks(low: float, high: float) -> tuple[float, ...]:
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * lead for lead in (1, 2, 5, 10) if power * lead >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(float(f"{index * step:.12g}") for index in range(first, last + 1))
