"""Start TensorFlow for a command: checked for, and without its notes among our progress."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deeprnn_edge.packages import require_workshop
from deeprnn_export.tracing.backend import use_tensorflow


def start_workshop(command: str) -> None:
    """Import TensorFlow and Keras quietly.

    Raises:
        MissingExtraError: where the workshop is not installed.
    """
    require_workshop(command)
    # Its notes on oneDNN and missing GPUs, some of them logged as errors, and its advice on retracing, which one
    # model after another in a process brings on, are no progress of ours; real errors are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    use_tensorflow()
    with _native_stderr_closed():
        importlib.import_module("keras")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Close the descriptor to which TensorFlow 2.21 writes, heeding no level, before its logging is set up."""
    sys.stderr.flush()
    saved = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
