"""Draw what charts are made of: shapes that differ without colour, hatches, text, axes."""

from __future__ import annotations

import math
from collections.abc import Callable

from deeprnn_edge.report.markup import Html, join, tag
from deeprnn_edge.report.scales import Scale

WIDTH = 680
CHARACTER_WIDTH = 7.3  # of the charts' text, about
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "plus")
DASHES = (None, "7 4", "2 3", "9 3 2 3", "12 4", "4 2 1 2")
HATCHES = ("diagonal", "dots", "cross", "lines")

Format = Callable[[float], str]


def svg(height: float, label: str, *parts: Html) -> Html:
    """Make a chart of WIDTH by ``height``; ``label`` is what a screen reader says of it."""
    drawn = tag("g", *parts)
    return tag("svg", drawn, viewBox=f"0 0 {WIDTH} {place(height)}", role="img", aria_label=label)


def mark(title: str, *parts: Html) -> Html:
    """Group what stands for one value or one row of values; ``title`` is what it says under the pointer."""
    return tag("g", tag("title", title), *parts, class_="mark")


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "t") -> Html:
    """Write words whose middle is at the height ``y``."""
    return tag("text", words, x=place(x), y=place(y), dy="0.35em", text_anchor=anchor, class_=kind)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "stroke", dash: str | None = None) -> Html:
    """Draw a line."""
    return tag("line", x1=place(x1), y1=place(y1), x2=place(x2), y2=place(y2), class_=kind, stroke_dasharray=dash)


def box(x: float, y: float, width: float, height: float, *, number: int) -> Html:
    """Draw a box with the hatch and the colour of that number."""
    sides = {"x": place(x), "y": place(y), "width": place(max(width, 1)), "height": place(height)}
    hatch = HATCHES[number % len(HATCHES)]
    return join(
        [
            tag("rect", **sides, class_=f"fill c{number % 6}"),
            tag("rect", **sides, class_="edge", fill=f"url(#hatch-{hatch})"),
        ]
    )


def path(points: list[tuple[float, float]], *, number: int, dash: str | None = None) -> Html:
    """Draw a line through points, with the colour and, unless told, the dashes of that number."""
    steps = " ".join(f"{place(x)},{place(y)}" for x, y in points)
    # One further for each time that the shapes begin anew, so that no two lines share both.
    dash = dash or DASHES[(number + number // len(SHAPES)) % len(DASHES)]
    return tag("polyline", points=steps, class_=f"path c{number % 6}", stroke_dasharray=dash)


def shape(x: float, y: float, *, number: int, size: float = 6, hollow: bool = False) -> Html:
    """Draw the shape of that number around a point, in its colour."""
    kind = SHAPES[number % len(SHAPES)]
    look = f"{'hollow' if hollow else 'fill solid'} c{number % 6}"
    if kind == "circle":
        return tag("circle", cx=place(x), cy=place(y), r=place(size), class_=look)
    if kind in ("cross", "plus"):
        turn = 0.0 if kind == "plus" else math.pi / 4
        dx, dy = size * 1.2 * math.cos(turn), size * 1.2 * math.sin(turn)
        arms = f"M{place(x - dx)} {place(y - dy)}L{place(x + dx)} {place(y + dy)}"
        arms += f"M{place(x + dy)} {place(y - dx)}L{place(x - dy)} {place(y + dx)}"
        return tag("path", d=arms, class_=f"arms c{number % 6}")
    corners, turn, far = {"square": (4, 45, 1.3), "triangle": (3, -90, 1.35), "diamond": (4, 0, 1.35)}[kind]
    angles = [math.radians(turn + 360 * corner / corners) for corner in range(corners)]
    steps = " ".join(f"{place(x + far * size * math.cos(a))},{place(y + far * size * math.sin(a))}" for a in angles)
    return tag("polygon", points=steps, class_=look)


def x_axis(scale: Scale, top: float, bottom: float, title: str, form: Format) -> Html:
    """Draw ticks under a chart with lines up through it, and the axis's title below."""
    ticks = [
        join(
            [
                line(scale.at(tick), top, scale.at(tick), bottom, kind="grid"),
                text(scale.at(tick), bottom + 14, form(tick), anchor="middle", kind="tick"),
            ]
        )
        for tick in scale.ticks
    ]
    return join([*ticks, text((scale.start + scale.end) / 2, bottom + 34, title, anchor="middle", kind="axis")])


def y_axis(scale: Scale, left: float, right: float, title: str, form: Format) -> Html:
    """Draw ticks at the left of a chart with lines through it, and the axis's title above them."""
    ticks = [
        join(
            [
                line(left, scale.at(tick), right, scale.at(tick), kind="grid"),
                text(left - 8, scale.at(tick), form(tick), anchor="end", kind="tick"),
            ]
        )
        for tick in scale.ticks
    ]
    return join([*ticks, text(8, 12, title, kind="axis")])


def hatches() -> Html:
    """Define the patterns that boxes are hatched with, once for the page."""
    strokes = {
        "diagonal": "M-2 2L2 -2M0 8L8 0M6 10L10 6",
        "dots": "M1.2 2h1.6M5.2 6h1.6",
        "cross": "M0 0L8 8M8 0L0 8",
        "lines": "M4 0V8",
    }
    patterns = [
        tag(
            "pattern",
            tag("path", d=strokes[name], class_="hatch"),
            id=f"hatch-{name}",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )
        for name in HATCHES
    ]
    return tag("svg", tag("defs", *patterns), class_="patterns", width=0, height=0, aria_hidden="true")


def fit_text(words: str, width: float) -> str:
    """Cut words in the middle to a width: paths differ at their ends. The table beside a chart has them whole."""
    most = max(int(width / CHARACTER_WIDTH), 4)
    return words if len(words) <= most else f"{words[: most // 3]}…{words[most // 3 + 1 - most :]}"


def place(value: float) -> str:
    """Write a coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")
