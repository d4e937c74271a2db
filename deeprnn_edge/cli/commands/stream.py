"""Run ``deeprnn-edge stream``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.cli.commands.formats import DEFAULT, LAST, PREFERRED
from deeprnn_edge.cli.commands.predict import at_least_one
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.model import Model, load
from deeprnn_edge.inference.names import Answered, decide
from deeprnn_edge.inference.stream_source import stream_spec
from deeprnn_edge.inputs.text import compile_steps
from deeprnn_edge.inputs.value_files import parse_value
from deeprnn_edge.runtimes.artifacts import choose_artifact, stream_artifact


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--artifact", help=f"The file of the bundle that runs, such as stream{LAST.suffix}. {DEFAULT}")
@click.option("--threads", default=1, show_default=True, help="Threads inside one call.")
def stream(bundle: Path, artifact: str | None, threads: int) -> None:
    """Answer each line of stdin as it comes, going on where the line before ended.

    A line is a step: text for a model with a vocabulary, where each word is a step; ids separated by
    commas or spaces for a model without, each a step; or the numbers of one feature vector, separated by
    commas. An empty line is no step and repeats the last answer. Where the bundle has steps for raw values
    (columns, a scaler, categories), a line is raw, in the order of the bundle's columns; windows are not cut here.

    The answer to a line is one line of JSON: the steps so far, the text, the label, the outputs. Of a
    model that answers every step, these are the line's last step; where the bundle says that each step has
    a name, or that they spell something, the label is the list of those that are new.

    The bundle needs a stream artifact: deeprnn-edge export --stream.

    \b
        printf 'a gorgeous,\\nmoving film\\n' | deeprnn-edge stream bundle
        tail -f sensor.csv | deeprnn-edge stream bundle
    """
    try:
        for answer in _answers(bundle, artifact, threads):
            click.echo(json.dumps(answer, ensure_ascii=False))  # echo flushes
        # Ctrl-C ends who writes the lines too: the interrupt that came with the end of stdin is due in this call.
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        interrupt.add_note("every line above is answered; what the stream remembered is gone")
        raise


def _answers(bundle: Path, artifact: str | None, threads: int) -> Iterator[dict[str, Any]]:
    opened = open_bundle(bundle)
    chosen = choose_artifact(opened, artifact)
    chosen = stream_artifact(opened, chosen)
    model = load(bundle, artifact=chosen.path, threads=at_least_one(threads))
    if len(model.manifest.inputs) != 1:
        raise InputError("stream takes models of one input; push this one's arrays from Python: model.stream()")
    if chosen.chunk not in (None, 1):
        raise InputError(
            f"{chosen.path} takes {chosen.chunk} steps at a time, and a line is one step: "
            f"load the {PREFERRED.suffix} stream, or export with --chunk 1"
        )
    rules = model.manifest.preprocessing
    kind, raw_input = rules.kind, next(iter(rules.raw), None)
    split = compile_steps(model.manifest.preprocessing.text_steps)
    running = model.stream()
    steps = 0
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        try:
            line = raw.decode("utf-8").rstrip("\r\n")
            given = line if kind == "text" else _parse(line, kind, raw_input)
            (answered,) = running.answer(given)
        except (InputError, UnicodeDecodeError) as error:
            raise InputError(f"line {number}: {error}") from error
        steps += len(split(line) if isinstance(given, str) else given)
        shown = {"input": line} if kind == "text" else {}
        yield {"step": steps, **shown, **_describe(model, answered)}


def _parse(line: str, kind: str, raw: RawInput | None) -> list[Any]:
    """Parse a line's ids, or its one feature vector in a list; an empty line is an empty list."""
    if raw is not None:
        values = [parse_value(cell, raw) for cell in line.split(",")] if line.strip() else []
        return values if len(raw.shape) == 1 or not values else [values]
    try:
        if kind == "tokens":
            return [int(word) for word in line.replace(",", " ").split()]
        return [[float(number) for number in line.split(",")]] if line.strip() else []
    except ValueError as error:
        wanted = "ids separated by commas or spaces" if kind == "tokens" else "numbers separated by commas"
        raise InputError(f"{line!r} is no line of {wanted}") from error


def _describe(model: Model, answered: Answered) -> dict[str, Any]:
    """Describe the label and the outputs of the one row, and of the last step where every step has one."""
    timed = {spec.name for spec in stream_spec(model.manifest, model.artifact).outputs if "time" in spec.shape}
    last = {name: values[-1] if name in timed else values for name, values in answered.outputs.items()}
    label, labels = answered.label, model.manifest.labels
    if model.manifest.answer is None and labels and timed and len(last) == 1:  # of steps that nothing explains
        label = labels[int(decide(next(iter(last.values()))))]
    return {"label": label, "outputs": {name: values.tolist() for name, values in last.items()}}
