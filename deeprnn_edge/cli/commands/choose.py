"""Run ``deeprnn-edge choose``."""

from __future__ import annotations

from pathlib import Path

import click

from deeprnn_edge.choice.budgets import (
    Budgets,
    Measure,
    format_latency,
    format_value,
    parse_latency,
    parse_points,
    parse_size,
)
from deeprnn_edge.choice.choose import Choice, ChoiceEntry, to_json
from deeprnn_edge.choice.choose import choose as choose_artifact
from deeprnn_edge.cli.commands.bench_tables import format_setting
from deeprnn_edge.cli.terminal import say
from deeprnn_edge.errors import BudgetError
from deeprnn_edge.tables import format_table, printable


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--max-size", metavar="SIZE", help="Largest file: 400KB, 0.4MB, 390KiB, or bytes.")
@click.option("--max-latency", metavar="TIME", help="Longest median call: 0.2ms, 200us, 1s.")
@click.option("--max-accuracy-drop", metavar="POINTS", help="Percentage points below Keras at most, as exported: 0.5.")
@click.option(
    "--prefer",
    type=click.Choice(["size", "latency", "accuracy"]),
    default="size",
    show_default=True,
    help="What decides among files within the budgets.",
)
@click.option("--threads", default=1, show_default=True, help="Threads inside one call.")
@click.option("--length", type=int, help="Time steps, where they are free. Default: what the bundle pads to.")
@click.option("--seconds", type=float, help="About how long each file is called. Default: 2.")
@click.option("--json", "as_json", is_flag=True, help="The choice as JSON in place of the table.")
def choose(
    bundle: Path,
    max_size: str | None,
    max_latency: str | None,
    max_accuracy_drop: str | None,
    prefer: Measure,
    threads: int,
    length: int | None,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Choose the file of a bundle to ship to this device, and say why not the others.

    \b
        deeprnn-edge choose bundle --max-size 400KB --max-latency 0.2ms --max-accuracy-drop 0.5
        deeprnn-edge choose bundle --max-size 1MiB --prefer latency --json

    Run it on the device, or on one like it: the files take turns in one run there, after each has given
    the right answers. A latency is that of the network alone, of one row; bench shows more of it. A drop
    in accuracy is what export --evaluate measured, and a file without that does not fit where one is
    given. Without any budget, every file that runs here fits.

    Of those that fit, the smallest is chosen, or with --prefer the fastest or the most accurate. Exit
    code 1 where none fits; the error names the nearest and what it would need. Ship the chosen one with
    deeprnn-edge pack.
    """
    choice = choose_artifact(
        bundle,
        max_size_bytes=None if max_size is None else parse_size(max_size),
        max_latency_ms=None if max_latency is None else parse_latency(max_latency),
        max_accuracy_drop_points=None if max_accuracy_drop is None else parse_points(max_accuracy_drop),
        prefer=prefer,
        length=length,
        threads=threads,
        seconds=seconds,
        progress=say,
    )
    click.echo(to_json(choice) if as_json else _format(choice), nl=not as_json)
    if choice.miss is not None:
        raise BudgetError(choice.miss)


def _format(choice: Choice) -> str:
    setting = format_setting(choice.name, choice.options, choice.machine)
    lines = [
        f"{setting}; {_format_check(choice)}",
        f"{_format_budgets(choice.budgets)}; prefers {choice.prefer}",
        "",
        format_table(
            ["file", "precision", "bytes", "p50 ms", "accuracy points", "verdict"], [*map(_row, choice.artifacts)]
        ),
        "",
    ]
    if choice.chosen is not None:
        lines.append(printable(f"ship {choice.chosen}"))
    lines += [printable(f"not {one.path}: {'; '.join(one.reasons)}") for one in choice.artifacts if one.reasons]
    return "\n".join(lines)


def _format_check(choice: Choice) -> str:
    if choice.input_source == "golden":
        return f"answers held against {choice.reference}"
    if [one.path for one in choice.artifacts if one.max_abs_diff is not None] == [choice.reference]:
        return "answers not checked: no golden vectors for these inputs, and no other file"
    return f"answers to random inputs held against {choice.reference}"


def _format_budgets(budgets: Budgets) -> str:
    limits: tuple[tuple[str, Measure], ...] = (
        ("size", "size"),
        ("p50 latency", "latency"),
        ("accuracy drop", "accuracy"),
    )
    given = [(name, measure, budgets.limit(measure)) for name, measure in limits]
    stated = [f"{name} {format_value(measure, limit)}" for name, measure, limit in given if limit is not None]
    return f"at most: {', '.join(stated)}" if stated else "no budget"


def _row(entry: ChoiceEntry) -> list[str]:
    change = entry.accuracy_change_points
    return [
        entry.path,
        entry.precision,
        f"{entry.size_bytes:,}",
        "-" if entry.latency_ms is None else format_latency(entry.latency_ms),
        "-" if change is None else f"{change:+.2f}",
        entry.verdict,
    ]
