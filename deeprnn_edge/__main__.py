"""Run the command line: ``python -m deeprnn_edge`` is the same as ``deeprnn-edge``."""

from deeprnn_edge.cli.main import main

main(prog_name="deeprnn-edge")
