"""Draw a chart of rows: a name at the left, what is drawn for it along one axis, its number at the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deeprnn_edge.report.markup import Html, join
from deeprnn_edge.report.scales import Scale, fit_scale
from deeprnn_edge.report.svg import (
    CHARACTER_WIDTH,
    WIDTH,
    Format,
    box,
    fit_text,
    line,
    mark,
    shape,
    svg,
    text,
    x_axis,
)

Draw = Callable[[Scale, float], Html]
_ROW_HEIGHT = 26
_MOST_LABEL = 210


@dataclass(frozen=True)
class ChartRow:
    """Hold one row; without ``draw`` a heading over those that follow.

    Attributes:
        title: what the row says under the pointer.
        values: those that are drawn, in the axis's unit.
        note: the number at the right.
    """

    label: str
    title: str = ""
    values: tuple[float, ...] = ()
    note: str = ""
    draw: Draw | None = None


def rows_chart(
    rows: Sequence[ChartRow], *, label: str, axis: str, form: Format, log: bool | None = None, zero: bool = False
) -> Html:
    """Draw rows below each other over one axis; ``log`` and ``zero`` as in ``fit_scale``."""
    named = max(len(row.label) for row in rows if row.draw) * CHARACTER_WIDTH + 14
    left = min(named, _MOST_LABEL)
    right = WIDTH - max(len(row.note) for row in rows) * CHARACTER_WIDTH - 22
    scale = fit_scale([value for row in rows for value in row.values], left, right, log=log, zero=zero)
    bottom = len(rows) * _ROW_HEIGHT + 8
    parts = [x_axis(scale, 4, bottom, axis, form)]
    for number, row in enumerate(rows):
        y = number * _ROW_HEIGHT + _ROW_HEIGHT / 2 + 4
        if row.draw is None:
            parts.append(text(0, y + 2, fit_text(row.label, WIDTH), kind="heading"))
            continue
        drawn = [text(left - 10, y, fit_text(row.label, left - 10), anchor="end"), row.draw(scale, y)]
        parts.append(mark(row.title, *drawn, text(WIDTH, y, row.note, anchor="end")))
    return svg(bottom + 46, label, *parts)


def draw_bar(value: float, number: int) -> Draw:
    """Draw a bar from the axis's beginning, hatched."""
    return lambda scale, y: box(scale.start, y - 8, scale.at(value) - scale.start, 16, number=number)


def draw_range(low: float, middle: float, inner: float, high: float, top: float, number: int) -> Draw:
    """Draw a line from ``low`` to ``top``, on it a box from ``middle`` to ``high`` with a line at ``inner``."""

    def draw(scale: Scale, y: float) -> Html:
        x_low, x_middle, x_inner, x_high, x_top = (scale.at(one) for one in (low, middle, inner, high, top))
        return join(
            [
                line(x_low, y, x_top, y),
                line(x_low, y - 4, x_low, y + 4),
                line(x_top, y - 4, x_top, y + 4),
                box(x_middle, y - 7, x_high - x_middle, 14, number=number),
                line(x_inner, y - 7, x_inner, y + 7),
                line(x_middle, y - 10, x_middle, y + 10, kind="heavy"),
            ]
        )

    return draw


def draw_limit(value: float, limit: float, number: int) -> Draw:
    """Draw a shape at ``value``, a heavy line at ``limit``, and a thin one from the one to the other."""

    def draw(scale: Scale, y: float) -> Html:
        x, x_limit = scale.at(value), scale.at(limit)
        return join(
            [
                line(x, y, x_limit, y, dash="2 3"),
                line(x_limit, y - 9, x_limit, y + 9, kind="heavy"),
                shape(x, y, number=number),
            ]
        )

    return draw
