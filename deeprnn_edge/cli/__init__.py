"""Run ``deeprnn-edge``: the command line over both halves."""

from deeprnn_edge.cli.main import main

__all__ = ["main"]
