"""Run ``deeprnn-edge``, the command line over both halves.

Enters: the words of a shell. Leaves: text or JSON on stdout, messages on stderr, an exit code.
Looks at: every room of the device, and the workshop's commands by entry points alone.
"""

from __future__ import annotations

from deeprnn_edge.cli.main import main

__all__ = ["main"]
