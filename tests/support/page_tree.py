"""A page's elements, for tests of what it says."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

VOID = {"meta", "link", "br"}
HOSTILE = "</script><script>alert(1)</script>\"'\x00\n"


@dataclasses.dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = dataclasses.field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(child if isinstance(child, str) else child.text for child in self.children)

    def find(self, name: str, **attributes: str) -> list[Element]:
        found = [] if self.name != name or not attributes.items() <= self.attributes.items() else [self]
        for child in self.children:
            if isinstance(child, Element):
                found += child.find(name, **attributes)
        return found


class Tree(HTMLParser):
    """The page's elements; one that is not closed where it has to be is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open = [Element("", {})]
        self.feed(page)
        self.close()
        assert len(self.open) == 1, f"not closed: {self.open[-1].name}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(page: str) -> Element:
    return Tree(page).open[0]


def everything(element: Element) -> list[Element]:
    inner = [one for child in element.children if isinstance(child, Element) for one in everything(child)]
    return [element, *inner]


def render(element: Element) -> str:
    return "".join(f"<{one.name}>" for one in everything(element))
