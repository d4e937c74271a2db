"""Draw the page of a comparison with peers: of the same kind as ``deeprnn-edge report``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.page_growth import growth_section
from benchmarks.peers.page_latency import latency_section
from benchmarks.peers.page_method import method_section, problems_section
from benchmarks.peers.page_starts import starts_section, tradeoff_section
from benchmarks.peers.page_summary import summary_section
from deeprnn_edge.report.shell import wrap_page


def make_page(result: Mapping[str, Any]) -> str:
    """Make the whole page as text, from a result as ``peers.json`` holds it."""
    sections = [
        summary_section(result),
        method_section(result),
        latency_section(result),
        starts_section(result),
        tradeoff_section(result),
        growth_section(result),
        problems_section(result),
    ]
    return wrap_page(
        sections,
        title="deeprnn-edge beside its peers",
        heading="deeprnn-edge beside its peers",
        about=f"{result['what'][:1].upper()}{result['what'][1:]}. ",
    )
