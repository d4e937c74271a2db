"""Run ``deeprnn-edge predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.cli.commands.formats import DEFAULT, LAST
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.model import Model, load
from deeprnn_edge.inference.names import Answered
from deeprnn_edge.inputs.value_files import parse_items, read_items
from deeprnn_edge.tables import printable


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("items", nargs=-1)
@click.option(
    "--input",
    "-i",
    "source",
    type=click.Path(path_type=Path),
    help="A file: one text or one list of ids a line, or features as CSV, .npy or .npz. - is stdin.",
)
@click.option("--artifact", help=f"The file of the bundle that runs, such as model{LAST.suffix}. {DEFAULT}")
@click.option("--threads", default=1, show_default=True, help="Threads inside one call.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each item in place of text.")
def predict(
    bundle: Path, items: tuple[str, ...], source: Path | None, artifact: str | None, threads: int, as_json: bool
) -> None:
    """Answer for texts, ids or features.

    ITEMS are texts for a model with a vocabulary, and ids separated by commas or spaces for a model
    without. Features come from a file: CSV of one item, a step a line, with or without a header; or .npy or
    .npz of (time, features) or (items, time, features).

    Where the bundle has steps for raw values (columns, a scaler, categories, windows), give raw ones: a table
    is read by the names of its columns where the bundle knows them, and a recording that is cut into windows has
    an answer for each.

    \b
        deeprnn-edge predict bundle "a gorgeous, moving film" "dull"
        deeprnn-edge predict bundle --input reviews.txt --json
        deeprnn-edge predict bundle --input series.npy
    """
    model = load(bundle, artifact=artifact, threads=at_least_one(threads))
    given = _collect(model, items, source)
    for shown, answered in _answers(model, given):
        click.echo(_as_json(shown, answered) if as_json else _as_line(shown, answered))


def _answers(model: Model, given: Any) -> Iterator[tuple[str, Answered]]:
    """Answer the items, all in one call unless they are cut into windows: what to call each, and its answer."""
    cuts = any(one.window is not None for one in model.manifest.preprocessing.raw)
    for first, items in enumerate([[item] for item in given]) if cuts else [(0, given)]:
        for index, answered in enumerate(model.answer(items)):
            item = items[0 if cuts else index]
            shown = item if isinstance(item, str) else f"item {first if cuts else index}"
            yield f"{shown}, window {index}" if cuts else shown, answered


def at_least_one(threads: int) -> int:
    """Return what ``--threads`` says.

    Raises:
        InputError: for none.
    """
    if threads < 1:
        raise InputError(f"--threads {threads}: at least 1 thread runs")
    return threads


def _collect(model: Model, items: tuple[str, ...], source: Path | None) -> Any:
    if bool(items) == (source is not None):
        raise InputError("give items on the command line, or a file with --input, one of the two")
    rules = model.manifest.preprocessing
    raw = next(iter(rules.raw), None)
    if source is not None and source.suffix == ".npy" and raw is None:
        return _read_npy(source)
    if raw is not None or rules.kind == "sequence":
        return _collect_values(items, source, raw)
    lines = list(items) if source is None else _read_lines(source)
    return lines if rules.kind == "text" else [_parse_ids(line) for line in lines]


def _collect_values(items: tuple[str, ...], source: Path | None, raw: RawInput | None) -> list[Any]:
    if source is not None and str(source) != "-":
        return read_items(source, raw)
    if source is not None:
        return parse_items(_read_lines(source), "stdin", raw)
    if raw is None or len(raw.shape) > 1:
        raise InputError("this model takes features: give a file of (time, features), .csv or .npy, with --input")
    return [item for line in items for item in parse_items([line], repr(line), raw)]


def _read_lines(source: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {source}: {error}") from error
    return text.splitlines()


def _read_npy(source: Path) -> Any:
    try:
        array = np.load(source, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source} as an .npy array: {error}") from error
    return [array] if array.ndim == 2 and array.dtype.kind == "f" else array


def _parse_ids(line: str) -> list[int]:
    try:
        return [int(word) for word in line.replace(",", " ").split()]
    except ValueError as error:
        raise InputError(
            f"{line!r} is no list of ids; this model has no vocabulary, so it takes ids, not text"
        ) from error


def _as_line(shown: str, answered: Answered) -> str:
    numbers = "  ".join(
        f"{printable(name)} {np.array2string(values, precision=4, floatmode='fixed', threshold=20)}"
        for name, values in answered.outputs.items()
    )
    label = answered.label
    named = "" if label is None else (label if isinstance(label, str) else ", ".join(label) or "(none)") + "  "
    return f"{numbers}  {printable(named)}{shown}"


def _as_json(shown: str, answered: Answered) -> str:
    outputs = {name: values.tolist() for name, values in answered.outputs.items()}
    return json.dumps({"item": shown, "label": answered.label, "outputs": outputs}, ensure_ascii=False)
