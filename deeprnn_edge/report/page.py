"""The page: one HTML file that asks for nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib

from deeprnn_edge.machine import package_version
from deeprnn_edge.report.collecting import ReportData
from deeprnn_edge.report.files_section import parity_section, summary_section
from deeprnn_edge.report.growth_section import growth_section
from deeprnn_edge.report.latency_section import latency_section, tradeoff_section
from deeprnn_edge.report.markup import Html, join, paragraph, tag
from deeprnn_edge.report.model_section import model_section, operators_section
from deeprnn_edge.report.stream_section import stream_section
from deeprnn_edge.report.style import CSS, SCRIPT
from deeprnn_edge.report.svg import hatches
from deeprnn_edge.report.weights_section import weights_section


def make_page(data: ReportData) -> str:
    """The whole page as text."""
    sections = [
        summary_section(data),
        model_section(data),
        latency_section(data),
        tradeoff_section(data),
        growth_section(data),
        stream_section(data),
        parity_section(data),
        weights_section(data),
        operators_section(data),
    ]
    shown = [part for part in sections if part is not None]
    links = [tag("li", tag("a", part.title, href=f"#{part.name}")) for part in shown]
    title = f"{data.manifest.name}: report of a deeprnn-edge bundle"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", title),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(CSS)),
    )
    body = tag(
        "body",
        hatches(),
        tag(
            "header",
            tag("h1", data.manifest.name),
            paragraph(
                f"What {data.bundle} holds, and what it costs to run. Every figure has its numbers in a table below; "
                "tables sort by a click on a column's name."
            ),
            tag("nav", tag("ul", *links), aria_label="Parts of this page"),
        ),
        tag("main", *(part.markup for part in shown)),
        tag("footer", paragraph(f"Written by deeprnn-edge {package_version('deeprnn-edge')}.")),
        tag("script", Html(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{tag('html', join([head, body]), lang='en')}\n"


def _policy() -> str:
    """What a browser may load: this page's own style and its one script, and nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
