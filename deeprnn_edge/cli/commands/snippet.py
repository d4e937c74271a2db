"""Run ``deeprnn-edge snippet``."""

from __future__ import annotations

from pathlib import Path

import click

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.files.atomic_write import hold_output, write_output
from deeprnn_edge.runtimes import RUNTIMES
from deeprnn_edge.snippets.languages import LANGUAGES, choose_artifact, write_program

_FILES = "; ".join(f"{one.title} for {', '.join(one.languages)}" for one in RUNTIMES.values() if one.languages)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--language", required=True, type=click.Choice(list(LANGUAGES)), help="The language of the program.")
@click.option(
    "--artifact",
    help=f"The file that the program runs: {_FILES}. Default: the first such file for sequences.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write. Default: print it.")
@click.option("--force", is_flag=True, help="Replace the file at --output.")
def snippet(bundle: Path, language: str, artifact: str | None, output: Path | None, force: bool) -> None:
    """Print a complete program that runs the bundle's ONNX or TFLite file from another language.

    \b
        deeprnn-edge snippet bundle --language c++ -o snippet.cpp
        deeprnn-edge snippet bundle --language javascript --artifact stream.onnx
        deeprnn-edge snippet bundle --language kotlin -o Snippet.kt

    It has the model's real names, dtypes and shapes, the session's options that this project measures with,
    and one example of the golden vectors with its answer: run it, and it prints its own answer, the
    difference, and ends with 1 where that is beyond the bundle's tolerance. The comment at its head says
    what to install, how to build and run it, and for text how words become ids.

    The program of a stream artifact takes one step at a time, or as many as its file takes in a call, and
    carries the states on. Every program takes the path of the model as its argument, and in Kotlin and Swift
    is a function for an app too; of a packed bundle, unpack the model first. The golden vectors are needed:
    pack with --golden.
    """
    with hold_output(output, force=force):
        opened = open_bundle(bundle)
        chosen = choose_artifact(opened, artifact, language)
        program = write_program(opened, chosen, language, file=None if output is None else output.name)
        if output is None:
            click.echo(program, nl=False)
            return
        write_output(output, program)
    click.echo(f"wrote {output}: {language}, for {chosen.path}", err=True)
