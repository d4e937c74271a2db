"""Format what ``deeprnn-edge bench`` prints of whole sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deeprnn_edge.bench.results import BenchOptions, BenchReport, BenchResult
from deeprnn_edge.bench.timing import NOISY_SPREAD, ROUNDS, Timing
from deeprnn_edge.tables import format_table


def format_setting(name: str, options: BenchOptions, machine: Mapping[str, Any]) -> str:
    """Say in two lines which model ran on what, and how it was called."""
    steps = "" if options.length is None else f", {options.length} time steps"
    return f"{format_machine(name, machine)}\nbatch {options.batch}{steps}, {count(options.threads, 'thread')}"


def format_machine(name: str, machine: Mapping[str, Any]) -> str:
    """Say in one line which model ran on what."""
    cpu = machine["cpu"]
    return f"{name} on {cpu['model'] or machine['architecture']}, {count(cpu['logical_cores'], 'core')}"


def count(number: int, noun: str) -> str:
    """Write ``1 thread`` or ``2 threads``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def format_spread(timing: Timing | None) -> list[str]:
    """Make two cells: the spread, and a mark where it says that the run was noisy."""
    spread = None if timing is None else timing.spread
    return ["-" if spread is None else f"{spread * 100:.1f}%", "noisy" if timing is not None and timing.noisy else ""]


def format_noise(timings: Iterable[Timing | None]) -> list[str]:
    """Say what the mark means, where a row bears it."""
    if not any(timing is not None and timing.noisy for timing in timings):
        return []
    return [
        f"noisy: the medians of {ROUNDS} blocks of calls spread by more than {NOISY_SPREAD:.0%}. The machine was busy "
        "or changed its pace: stop other programs, fix the clock frequency, or give more --seconds."
    ]


def format_report(report: BenchReport) -> str:
    """Format the setting, a table of starts, a table of latencies, and what went wrong."""
    parts = [f"{format_setting(report.name, report.options, report.machine)}; answers held against {report.reference}"]
    timed = [row for row in report.rows if row.timing is not None]
    if timed:
        parts += [_format_start(timed), _format_latency(timed), *format_noise(row.timing for row in timed)]
    problems = [f"{row.name} {row.status}: {row.problem}" for row in report.rows if row.problem]
    return "\n\n".join([*parts, *(["\n".join(problems)] if problems else [])])


def _format_start(rows: list[BenchResult]) -> str:
    cells = []
    for row in rows:
        start = row.start
        cells.append(
            [
                row.name,
                row.precision or "-",
                f"{row.size_bytes:,}",
                "-" if start is None else f"{start.load_ms:,.1f}",
                "-" if start is None else f"{start.first_call_ms:,.2f}",
                "-" if start is None or start.resident_added_bytes is None else f"{start.resident_added_bytes:,}",
                "-" if row.max_abs_diff is None else f"{row.max_abs_diff:.1g}",
            ]
        )
    header = [
        "start",
        "precision",
        "file bytes",
        "load ms",
        "first ms",
        "memory bytes",
        "difference",
    ]
    return format_table(header, cells)


def _format_latency(rows: list[BenchResult]) -> str:
    cells = []
    for row in rows:
        if row.timing is not None:
            timing = row.timing
            latencies = (timing.p50_ms, timing.p90_ms, timing.p95_ms, timing.p99_ms, timing.mean_ms)
            cells.append(
                [
                    row.name,
                    *(f"{value:,.3f}" for value in latencies),
                    f"{timing.rows_per_second:,.0f}",
                    f"{timing.cpu_seconds_per_call * 1e3:,.3f}",
                    f"{timing.runs:,}",
                    *format_spread(timing),
                ]
            )
    header = ["call", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "mean ms", "rows/s", "CPU ms", "calls", "spread", ""]
    return format_table(header, cells)
