"""A message names options as Python has them; the command line says them in its own words."""

from __future__ import annotations

import click
import pytest

from deeprnn_edge.cli.option_words import spell_options


@click.command()
@click.option("--output", "-o", "destination")
@click.option("--max-length", type=int)
@click.option("--format", "formats", multiple=True)
@click.option("--tensor", "tensors", multiple=True)
@click.option("--stream", is_flag=True)
@click.option("--mask/--no-mask")
@click.option("--custom-objects", metavar="FILE.py")
def command(**options: object) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("message", "spelled"),
    [
        ("max_length=0: at least 1 step", "--max-length 0: at least 1 step"),
        ("give max_length=, or a sample", "give --max-length, or a sample"),
        ("with max_length=-3, or 1e-05.", "with --max-length -3, or 1e-05."),
        ("max_length=2e-05 would", "--max-length 2e-05 would"),
        ("max_length=nan: no", "--max-length nan: no"),
        ("export it with formats=('onnx',) alone", "export it with --format onnx alone"),
        ("formats=('onnx', 'tflite')", "--format onnx --format tflite"),
        ("with tensors={'gru/W': 'fp32'}, or", "with --tensor 'gru/W=fp32', or"),
        ("leave stream=True out", "leave --stream out"),
        ("with mask=False", "with --no-mask"),
        ("choose another destination=.", "choose another --output."),
        ("give it with custom_objects=", "give it with --custom-objects FILE.py"),
        ("chunk=3 and a.stream=True and 'stream=True'", "chunk=3 and a.stream=True and 'stream=True'"),
    ],
)
def test_options_in_the_commands_words(message: str, spelled: str) -> None:
    assert spell_options(message, command) == spelled
