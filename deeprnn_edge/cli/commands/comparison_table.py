"""Format what ``deeprnn-edge bench --compare`` prints below the tables of a benchmark."""

from __future__ import annotations

from deeprnn_edge.bench.history.comparison import ComparedEntry, Comparison, Figure
from deeprnn_edge.tables import format_table, printable

_NAMES = {
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "mean_ms": "mean ms",
    "load_ms": "load ms",
    "first_call_ms": "first ms",
    "resident_added_bytes": "memory bytes",
    "size_bytes": "file bytes",
    "state_bytes": "state bytes",
}


def format_comparison(comparison: Comparison) -> str:
    """Format a table of ratios, what it means, and the notes."""
    parts = []
    if comparison.rows:
        header = [f"against {comparison.against}", "figure", "old", "new", "ratio", "95% interval", ""]
        cells = [_cells(row, figure) for row in comparison.rows for figure in row.figures]
        parts += [format_table(header, cells), _format_legend(comparison)]
    lines = [*comparison.missing, *comparison.notes]
    if lines:
        parts.append("\n".join(map(printable, lines)))
    return "\n\n".join(parts)


def _format_legend(comparison: Comparison) -> str:
    lines = [
        "ratio: new by old. A latency is the median over the blocks of calls, whose noise the interval covers; "
        "load, first call",
        "and memory are single samples.",
    ]
    noisy = [f"{row.name} ({' and '.join(row.noisy)})" for row in comparison.rows if row.noisy]
    if noisy:
        lines.append(f"noisy, blocks spread by more than 10%: {', '.join(noisy)}; measure again on a quiet machine.")
    if any(figure.verdict == "within noise" for row in comparison.rows for figure in row.figures):
        lines.append("within noise: above the limit, but not with the whole interval; more --seconds would narrow it.")
    if comparison.fail_above is not None:
        held = "p50 with its whole interval, and file bytes, at most"
        lines.append(f"{held} {comparison.fail_above:g}: {'FAILED' if comparison.failures else 'holds'}")
    return "\n".join(map(printable, lines))


def _cells(row: ComparedEntry, figure: Figure) -> list[str]:
    exact = figure.name in ("size_bytes", "state_bytes")
    interval = "exact" if exact else "-"
    if not exact and figure.low is not None:
        interval = f"{figure.low:.3f} to {figure.high:.3f}"
    noisy = "noisy" if row.noisy and figure.name == "p50_ms" else None
    return [
        row.name,
        _NAMES.get(figure.name, figure.name),
        _format(figure.name, figure.old),
        _format(figure.name, figure.new),
        "-" if figure.ratio is None else f"{figure.ratio:.3f}",
        interval,
        ", ".join(filter(None, (figure.verdict, noisy))),
    ]


def _format(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if name.endswith("_bytes") else f"{value:,.4f}"
