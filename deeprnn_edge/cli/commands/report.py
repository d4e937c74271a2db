"""Run ``deeprnn-edge report``."""

from __future__ import annotations

from pathlib import Path

import click

from deeprnn_edge.files.atomic_write import hold_output, write_output
from deeprnn_edge.report.collecting import collect
from deeprnn_edge.report.page import make_page


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
@click.option(
    "--bench",
    "benches",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What bench -o wrote, of this or another device, also with --stream; repeatable.",
)
@click.option("--force", is_flag=True, help="Replace the file at --output.")
def report(bundle: Path, output: Path, benches: tuple[Path, ...], force: bool) -> None:
    """Make a page of a bundle and its measurements, to look at or to pass on.

    \b
        deeprnn-edge report bundle -o report.html
        deeprnn-edge bench bundle -o here.json
        deeprnn-edge report bundle --bench here.json --bench raspberry-pi.json -o report.html

    One HTML file that loads nothing: the files beside each other, what the model is, how exactly each file
    answers, where its bytes are, and its operators. With measurements: how the times are distributed, size
    against latency against accuracy with the Pareto front marked; from several that differ in --batch or in
    --length, how the time grows; from bench --stream, what a step costs. The numbers behind every figure are in
    a table that sorts.

    A measurement has to be of the very files in the bundle.
    """
    with hold_output(output, force=force):
        write_output(output, make_page(collect(bundle, benches)))
    click.echo(f"wrote {output}", err=True)
