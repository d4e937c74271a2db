"""Run ``deeprnn-edge pack``."""

from __future__ import annotations

from pathlib import Path

import click

from deeprnn_edge.cli.commands.formats import MODEL
from deeprnn_edge.inference.packing import pack as pack_bundle
from deeprnn_edge.inference.packing import to_json


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    help=f"A file of the bundle, such as {MODEL}; repeatable. Default: the one that predict takes.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The zip to write.")
@click.option("--golden", is_flag=True, help="Add the golden vectors, so that verify runs on the zip.")
@click.option("--force", is_flag=True, help="Replace the zip at --output.")
@click.option("--json", "as_json", is_flag=True, help="What was packed as JSON in place of text.")
def pack(bundle: Path, artifacts: tuple[str, ...], output: Path, golden: bool, force: bool, as_json: bool) -> None:
    """Pack what a device needs of a bundle, and nothing else, into one zip.

    \b
        deeprnn-edge pack bundle --artifact model.int8.onnx -o model.zip
        deeprnn-edge predict model.zip "a gorgeous, moving film"

    The zip is a bundle: load, predict, inspect, bench and choose take it as it is, and it answers as the
    whole one does. It holds these files, the vocabulary and what the manifest says of both; verify needs
    the golden vectors too, which --golden adds. The same bundle packs to the same bytes.
    """
    packed = pack_bundle(bundle, output, artifacts=artifacts, golden=golden, force=force)
    if as_json:
        click.echo(to_json(packed), nl=False)
        return
    held = ", ".join((*packed.artifacts, *(["golden vectors"] if packed.golden else [])))
    click.echo(f"{packed.path}: {packed.size_bytes:,} bytes, with {held}")
    click.echo(f"{packed.bundle}: {packed.bundle_size_bytes:,} bytes, the whole bundle")
