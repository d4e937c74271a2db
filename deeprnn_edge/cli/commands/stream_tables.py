"""Format what ``deeprnn-edge bench --stream`` prints."""

from __future__ import annotations

from deeprnn_edge.bench.results import PushResult, StreamBenchReport, StreamResult
from deeprnn_edge.cli.commands.bench_tables import count, format_machine, format_noise, format_spread
from deeprnn_edge.tables import format_table


def format_report(report: StreamBenchReport) -> str:
    """Format the setting, a table of the streams, one of their pushes, and what went wrong or was left out."""
    options = report.options
    rate = "" if options.sample_rate is None else f", {options.sample_rate:,g} steps a second come in"
    setting = (
        f"{format_machine(report.name, report.machine)}\n"
        f"streams of batch {options.batch}, {count(options.threads, 'thread')}; "
        f"the re-run is of {count(options.window, 'step')}{rate}"
    )
    timed = [row for row in report.rows if row.status == "ok"]
    parts = [setting]
    if timed:
        parts += [_format_streams(timed), _format_pushes(timed, with_rate=options.sample_rate is not None)]
        parts += format_noise(push.timing for row in timed for push in row.pushes)
    notes = [note for row in report.rows for note in _notes(row)]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def _format_streams(rows: list[StreamResult]) -> str:
    header = ["stream", "precision", "file bytes", "state bytes", "checked against", "difference"]
    cells = [
        [
            row.name,
            row.precision,
            f"{row.size_bytes:,}",
            f"{row.state_bytes:,}",
            row.reference or "-",
            "-" if row.max_abs_diff is None else f"{row.max_abs_diff:.1g}",
        ]
        for row in rows
    ]
    return format_table(header, cells)


def _format_pushes(rows: list[StreamResult], *, with_rate: bool) -> str:
    header = ["push", "chunk", "p50 us", "p99 us", "step us", "steps/s"]
    header += ["real-time factor"] if with_rate else []
    header += ["re-run us", "of re-run", "spread", ""]
    cells = [_format_push(row, push, with_rate=with_rate) for row in rows for push in row.pushes]
    return format_table(header, cells)


def _format_push(row: StreamResult, push: PushResult, *, with_rate: bool) -> list[str]:
    timing, window = push.timing, row.window.timing
    values = [
        None if timing is None else f"{timing.p50_ms * 1e3:,.1f}",
        None if timing is None else f"{timing.p99_ms * 1e3:,.1f}",
        None if push.step_us is None else f"{push.step_us:,.2f}",
        None if push.steps_per_second is None else f"{push.steps_per_second:,.0f}",
    ]
    if with_rate:
        values.append(None if push.real_time_factor is None else _format_factor(push.real_time_factor))
    values.append(None if window is None or timing is None else f"{window.p50_ms * 1e3:,.1f}")
    values.append(None if push.window_ratio is None else f"{push.window_ratio * 100:,.1f}%")
    return [row.name, f"{push.chunk:,}", *("-" if value is None else value for value in values), *format_spread(timing)]


def _format_factor(factor: float) -> str:
    return f"{factor:,.4f}" if factor >= 1e-4 else f"{factor:.0e}"


def _notes(row: StreamResult) -> list[str]:
    """List what a reader would ask about a stream's figures."""
    if row.problem:
        return [f"{row.name} {row.status}: {row.problem}"]
    refused = [push for push in row.pushes if push.problem]
    notes = []
    if refused:
        sizes = ", ".join(f"{push.chunk:,}" for push in refused)
        notes.append(f"{row.name} not timed by {sizes}: it {refused[0].problem}")
    if row.window.problem:
        notes.append(f"{row.name} has no re-run beside it: {row.window.problem}")
    return notes
