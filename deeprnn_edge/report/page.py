"""Put a bundle's report together from its sections, in order."""

from __future__ import annotations

from deeprnn_edge.report.collecting import ReportData
from deeprnn_edge.report.files_section import parity_section, summary_section
from deeprnn_edge.report.growth_section import growth_section
from deeprnn_edge.report.latency_section import latency_section, tradeoff_section
from deeprnn_edge.report.model_section import model_section, operators_section
from deeprnn_edge.report.shell import wrap_page
from deeprnn_edge.report.stream_section import stream_section
from deeprnn_edge.report.weights_section import weights_section


def make_page(data: ReportData) -> str:
    """Make the whole page, as text."""
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
    return wrap_page(
        [part for part in sections if part is not None],
        title=f"{data.manifest.name}: report of a deeprnn-edge bundle",
        heading=data.manifest.name,
        about=f"What {data.bundle} holds, and what it costs to run.",
    )
