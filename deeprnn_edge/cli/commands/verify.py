"""Run ``deeprnn-edge verify``."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path

import click

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.commands.formats import MODEL
from deeprnn_edge.files.guard.child import is_guarded
from deeprnn_edge.parity.verify import Verification
from deeprnn_edge.parity.verify import verify as verify_bundle
from deeprnn_edge.tables import format_table


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--artifact", help=f"One file of the bundle, such as {MODEL}. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON in place of the table.")
def verify(bundle: Path, artifact: str | None, as_json: bool) -> None:
    """Replay the bundle's golden vectors on this machine: does it answer here as Keras did?

    Checks each file's size and hash first. Needs the device half alone; a .tflite file is left out where
    LiteRT is not installed. Exit code 1 where an answer differs by more than the bundle allows.

    \b
        deeprnn-edge verify bundle
    """
    results = verify_bundle(bundle, artifact=artifact, trusted=is_guarded())
    if unchecked := open_bundle(bundle).unchecked():
        click.echo(f"no hash covers {', '.join(unchecked)}: the bundle is of an older release", err=True)
    if as_json:
        click.echo(json.dumps([_to_json(result) for result in results], indent=2))
    else:
        click.echo(_table(results))
    if not all(result.passed or result.problem for result in results):
        sys.exit(1)


def _to_json(result: Verification) -> dict[str, object]:
    return {
        "artifact": result.artifact,
        "passed": result.passed,
        "problem": result.problem,
        "max_abs_diff": _finite(result.max_abs_diff),
        "atol": result.atol,
        "label_flips": result.label_flips,
        "differences": [
            {**dataclasses.asdict(difference), "max_abs_diff": _finite(difference.max_abs_diff)}
            for difference in result.differences
        ],
        "skipped": list(result.skipped),
    }


def _finite(value: float) -> float | None:
    """Turn a number that JSON does not have into None, which stands for answers that cannot be compared."""
    return value if math.isfinite(value) else None


def _table(results: list[Verification]) -> str:
    rows = [_row(result) for result in results]
    header = ["artifact", "result", "largest difference", "allowed", "label flips", "cases", "skipped (shape)"]
    lines = [format_table(header, rows)]
    for result in results:
        if result.problem:
            lines.append(f"{result.artifact}: not run: {result.problem}")
        lines += [
            f"{result.artifact}: {difference.output} of {difference.case}: "
            + (difference.problem or f"differs by {difference.max_abs_diff:.2e}, {difference.label_flips} label flips")
            for difference in result.failures
        ]
    return "\n".join(lines)


def _row(result: Verification) -> list[str]:
    if result.problem:
        return [result.artifact, "not run", "", "", "", "", ""]
    return [
        result.artifact,
        "ok" if result.passed else "FAILED",
        f"{result.max_abs_diff:.1e}",
        f"{result.atol:.2g}",
        str(result.label_flips),
        str(len({difference.case for difference in result.differences})),
        str(len(result.skipped)),
    ]
