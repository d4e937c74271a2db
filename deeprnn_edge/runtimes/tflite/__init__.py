"""Run ``.tflite`` artifacts with LiteRT.

Enters: a file's bytes, then one row at a time. Leaves: arrays by output name, steps of a stream.
Looks at: what the runtimes share, never at another runtime.
"""

from __future__ import annotations

import base64

from deeprnn_edge.runtimes.file_inspection import FileInspection
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.runtimes.session import Session
from deeprnn_edge.runtimes.tflite.operators import LOOPS, RECURRENT


# Imported as they are called: LiteRT is optional.
def _open(content: bytes, path: str, *, threads: int, steps: bool) -> Session:  # noqa: ARG001 - no setting
    from deeprnn_edge.runtimes.tflite.session import TFLiteSession

    return TFLiteSession(content, path, threads=threads)


def _open_plain(content: bytes, path: str, *, threads: int, steps: bool) -> Session:  # noqa: ARG001 - no setting
    from deeprnn_edge.runtimes.tflite.session import TFLiteSession

    return TFLiteSession(content, path, threads=threads, delegates=False)


def _inspect(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite

    return inspect_tflite(content, path, precision=precision)


def _check(content: bytes, path: str) -> None:
    """Refuse nothing: a flatbuffer has no way to name another file."""


RUNTIME = Runtime(
    name="tflite",
    title="TFLite",
    library="LiteRT",
    package="ai-edge-litert",
    open=_open,
    open_plain=_open_plain,
    inspect=_inspect,
    check=_check,
    recurrent_operators=RECURRENT,
    loop_operators=LOOPS,
    # y = ADD(x, x), with the signature serving_default. Made with LiteRT's schema_py_generated.
    start_model=base64.b64decode(
        "HAAAAFRGTDMUABgAFAAQAAwAAAAIAAAAAAAEABQAAAAUAAAAjAAAAJQAAABcAQAAAwAAAAEAAAAQAAAAAAAKABAADAAIAAQACgAAAAwAAAAcAAAA"
        "PAAAAA8AAABzZXJ2aW5nX2RlZmF1bHQAAQAAAAwAAAAIAAwACAAEAAgAAAABAAAABAAAAAEAAAB5AAAAAQAAAAwAAAAAAAYACAAEAAYAAAAEAAAA"
        "AQAAAHgAAAABAAAABAAAACj///8BAAAAEAAAAAwAFAAQAAwACAAEAAwAAAAQAAAAUAAAAFQAAABYAAAAAQAAABQAAAAAAA4AFAAAABAADAALAAQA"
        "DgAAABAAAAAAAAALDAAAABAAAACA////AQAAAAEAAAACAAAAAAAAAAAAAAABAAAAAQAAAAEAAAAAAAAAAgAAADAAAAAEAAAA5P///wgAAAAMAAAA"
        "AQAAAHkAAAABAAAAAQAAAAwADAAIAAAAAAAEAAwAAAAIAAAADAAAAAEAAAB4AAAAAQAAAAEAAAABAAAACAAAAAQABAAEAAAA"
    ),
    foreign_prefix="Flex",
    numbers_layers=True,
)
