"""Make HTML of values: text is escaped unless it is already ``Html``, so that no name from a file becomes markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeprnn_edge.tables import printable

# Elements that have no content and no end tag in HTML.
_VOID = frozenset({"meta", "link", "br"})
# Characters of a cell that stay on one line, also where the screen is narrow.
_SHORT = 28


class Html(str):
    """Mark text as markup."""

    __slots__ = ()


@dataclass(frozen=True)
class Cell:
    """Hold a cell of a table.

    Attributes:
        value: what a number sorts by; None for text.
    """

    text: str
    value: float | None = None


Rows = list[list[Cell | str]]


@dataclass(frozen=True)
class Table:
    """Hold rows under a header; the first cell of each row names it.

    Attributes:
        groups: over the columns, names and how many columns each spans; the columns before them have none.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    groups: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Section:
    """Hold a part of the page: its id, its heading, and the whole of it."""

    name: str
    title: str
    markup: Html


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Html:
    """Make an element. In the name of an attribute a ``_`` stands for ``-``, and one at its end for nothing."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(printable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>" + ("" if name in _VOID else f"{join(children)}</{name}>"))


def join(parts: Iterable[str]) -> Html:
    """Join parts behind each other; those that are not markup are escaped."""
    return Html("".join(part if isinstance(part, Html) else html.escape(printable(part)) for part in parts))


def paragraph(*parts: str) -> Html:
    """Make a paragraph."""
    return tag("p", *parts)


def section(name: str, title: str, *parts: str) -> Section:
    """Make a part of the page under its heading; ``name`` is its id."""
    heading = tag("h2", title, id=f"{name}-title")
    return Section(name, title, tag("section", heading, *parts, id=name, aria_labelledby=f"{name}-title"))


def figure(name: str, chart: Html, caption: str, table: Table) -> Html:
    """Show a chart, what it shows in words, and its numbers as a table; ``name`` is its id."""
    return tag(
        "figure",
        tag("div", chart, class_="chart", role="group", aria_label=f"Chart: {table.caption}", tabindex="0"),
        tag("figcaption", caption),
        tag("details", tag("summary", "The numbers as a table"), render_table(table)),
        id=name,
    )


def number(value: float | None, text: str | None = None) -> Cell:
    """Make a cell of a number; a dash where there is none."""
    return Cell("–") if value is None else Cell(f"{value:,}" if text is None else text, value)


def render_table(table: Table) -> Html:
    """Put a table in a box that scrolls where the screen is narrow. Its columns sort where there is a script."""
    numeric = [any(isinstance(row[at], Cell) for row in table.rows) for at in range(len(table.columns))]
    header = tag(
        "tr",
        *(
            tag("th", title, scope="col", class_="n" if right else None)
            for title, right in zip(table.columns, numeric, strict=True)
        ),
    )
    rows = [
        tag("tr", *(_cell(cell, first=at == 0, right=numeric[at]) for at, cell in enumerate(row))) for row in table.rows
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", table.caption),
            tag("thead", *_groups(table), header),
            tag("tbody", *rows),
        ),
        class_="scroll",
        role="group",
        aria_label=f"Table: {table.caption}",
        tabindex="0",
    )


def _groups(table: Table) -> list[Html]:
    if not table.groups:
        return []
    before = len(table.columns) - sum(span for _, span in table.groups)
    spans = [tag("th", name, scope="colgroup", colspan=span, class_="group") for name, span in table.groups]
    return [tag("tr", tag("td", colspan=before), *spans, class_="groups")]


def _cell(cell: Cell | str, *, first: bool, right: bool) -> Html:
    text, value = (cell.text, cell.value) if isinstance(cell, Cell) else (cell, None)
    sort = None if value is None else repr(value)
    short = "short" if len(text) <= _SHORT else None
    if first:
        return tag("th", text, scope="row", class_=short, data_sort=sort)
    return tag("td", text, class_="n" if right else short, data_sort=sort)
