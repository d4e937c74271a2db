"""Draw a chart over two axes: points with their names, and lines that are named at their ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from deeprnn_edge.report.markup import Html, join
from deeprnn_edge.report.scales import Scale, fit_scale
from deeprnn_edge.report.svg import (
    CHARACTER_WIDTH,
    WIDTH,
    Format,
    fit_text,
    line,
    mark,
    path,
    shape,
    svg,
    text,
    x_axis,
    y_axis,
)

_HEIGHT = 330
_LINE_HEIGHT = 17
_MOST_NAME = 200
_MOST_LABEL = 280
# How far above and below its point a label may stand, the nearest first.
_AWAY = (0, *(side * away for away in range(18, 190, 17) for side in (-1, 1)))
_FILLED_SHAPES = 4  # that differ when they are hollow


@dataclass(frozen=True)
class Axis:
    """Hold what an axis says.

    Attributes:
        log: None for a logarithmic one where the values span much.
    """

    title: str
    form: Format
    log: bool | None = None


@dataclass(frozen=True)
class Point:
    """Hold a value.

    Attributes:
        title: what it says under the pointer.
        label: what stands beside it.
        hollow: of less weight.
    """

    x: float
    y: float
    title: str
    label: str = ""
    hollow: bool = False


@dataclass(frozen=True)
class Series:
    """Hold the points of one line, which its name stands at the end of."""

    name: str
    points: Sequence[Point]


def lines_chart(series: Sequence[Series], *, label: str, x: Axis, y: Axis) -> Html:
    """Draw lines of points, told apart by shape, dashes and a name at the end."""
    names = min(max(len(one.name) for one in series) * CHARACTER_WIDTH + 34, _MOST_NAME)
    height = max(_HEIGHT, len(series) * _LINE_HEIGHT + 90)
    across, up = _scales([point for one in series for point in one.points], x, y, WIDTH - names - 12, height)
    parts = [_axes(across, up, x, y)]
    ends = _spread([up.at(one.points[-1].y) for one in series], height)
    for number, (one, end) in enumerate(zip(series, ends, strict=True)):
        places = [(across.at(point.x), up.at(point.y)) for point in one.points]
        parts.append(line(*places[-1], across.end + 14, end, kind="leader"))
        parts.append(path(places, number=number))
        parts += [
            mark(point.title, shape(left, top, number=number))
            for point, (left, top) in zip(one.points, places, strict=True)
        ]
        parts.append(shape(across.end + 20, end, number=number, size=5))
        parts.append(text(across.end + 31, end, fit_text(one.name, names - 20)))
    return svg(height, label, *parts)


def points_chart(points: Sequence[Point], *, label: str, x: Axis, y: Axis, front: Sequence[Point] = ()) -> Html:
    """Draw points with their labels, as far as there is room; a line joins those of ``front`` in their order."""
    across, up = _scales(points, x, y, WIDTH - 36)
    joined = [(across.at(point.x), up.at(point.y)) for point in front]
    parts = [_axes(across, up, x, y)] + ([path(joined, number=0, dash="5 4")] if len(joined) > 1 else [])
    taken = [(across.at(one.x) - 9, up.at(one.y) - 9, across.at(one.x) + 9, up.at(one.y) + 9) for one in points]
    for number, point in enumerate(points):
        left, top = across.at(point.x), up.at(point.y)
        name = fit_text(point.label, _MOST_LABEL)
        width = len(name) * CHARACTER_WIDTH
        room = _find_room(left, top, width, taken)
        drawn = [shape(left, top, number=number % _FILLED_SHAPES, size=7, hollow=point.hollow)]
        if room is None:
            parts.append(mark(point.title, *drawn))
            continue
        begin, middle = room
        taken.append((begin, middle - 8, begin + width, middle + 8))
        if middle != top:
            near = min(max(left, begin), begin + width)
            drawn.insert(0, line(left, top, near, middle + (8 if middle < top else -8), kind="leader"))
        parts.append(mark(point.title, *drawn, text(begin, middle, name)))
    return svg(_HEIGHT, label, *parts)


def _scales(points: Sequence[Point], x: Axis, y: Axis, right: float, height: float = _HEIGHT) -> tuple[Scale, Scale]:
    return (
        fit_scale([point.x for point in points], 70, right, log=x.log),
        fit_scale([point.y for point in points], height - 50, 32, log=y.log),
    )


def _axes(across: Scale, up: Scale, x: Axis, y: Axis) -> Html:
    return join(
        [
            x_axis(across, up.end, up.start, x.title, x.form),
            y_axis(up, across.start, across.end, y.title, y.form),
        ]
    )


def _spread(heights: Sequence[float], height: float) -> list[float]:
    """Move heights apart until names fit between them, and up where they would leave the chart."""
    placed = dict.fromkeys(range(len(heights)), 0.0)
    last = -float(_LINE_HEIGHT)
    for index in sorted(placed, key=lambda one: heights[one]):
        last = placed[index] = max(heights[index], last + _LINE_HEIGHT)
    limit = height - 46
    for index in sorted(placed, key=lambda one: -placed[one]):
        limit = placed[index] = min(placed[index], limit)
        limit -= _LINE_HEIGHT
    return [placed[index] for index in range(len(heights))]


def _find_room(x: float, y: float, width: float, taken: Sequence[tuple[float, ...]]) -> tuple[float, float] | None:
    """Return a label's start and its middle's height: beside the point or near it; None where all is taken."""
    for away, side in itertools.product(_AWAY, (x + 13, x - 13 - width, x - width / 2)):
        if away == 0 and side == x - width / 2:
            continue  # it would cover its own point
        begin, end, top, bottom = side, side + width, y + away - 8, y + away + 8
        free = all(end < left or begin > right or bottom < up or top > down for left, up, right, down in taken)
        if free and begin > 72 and end < WIDTH and top > 20 and bottom < _HEIGHT - 50:
            return side, y + away
    return None
