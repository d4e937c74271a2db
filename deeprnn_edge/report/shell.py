"""Wrap the sections of a page: one HTML file that asks for nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from deeprnn_edge.packages import package_version
from deeprnn_edge.report.markup import Html, Section, join, paragraph, tag
from deeprnn_edge.report.style import CSS, SCRIPT
from deeprnn_edge.report.svg import hatches


def wrap_page(sections: Sequence[Section], *, title: str, heading: str, about: str) -> str:
    """Make the whole page, as text: its head, its heading, what it is about, links to its sections, and these."""
    links = [tag("li", tag("a", part.title, href=f"#{part.name}")) for part in sections]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", title),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(CSS)),
    )
    reading = "Every figure has its numbers in a table below; tables sort by a click on a column's name."
    body = tag(
        "body",
        hatches(),
        tag(
            "header",
            tag("h1", heading),
            paragraph(f"{about} {reading}"),
            tag("nav", tag("ul", *links), aria_label="Parts of this page"),
        ),
        tag("main", *(part.markup for part in sections)),
        tag("footer", paragraph(f"Written by deeprnn-edge {package_version('deeprnn-edge')}.")),
        tag("script", Html(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{tag('html', join([head, body]), lang='en')}\n"


def _policy() -> str:
    """Say what a browser may load: this page's own style and its one script, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
