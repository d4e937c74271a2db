"""Run ``.onnx`` artifacts with ONNX Runtime.

Enters: a file's bytes, then arrays by input name. Leaves: arrays by output name, steps of a stream.
Looks at: what the runtimes share, never at another runtime.
"""

from __future__ import annotations

import base64

from deeprnn_edge.runtimes.file_inspection import FileInspection
from deeprnn_edge.runtimes.onnx.operators import LOOPS, RECURRENT
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.runtimes.session import Session


# Imported as they are called, so that ONNX Runtime waits for the first session.
def _open(content: bytes, path: str, *, threads: int, steps: bool) -> Session:
    from deeprnn_edge.runtimes.onnx.session import OnnxSession

    return OnnxSession(content, path, threads=threads, steps=steps)


def _inspect(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    from deeprnn_edge.runtimes.onnx.inspection import inspect_onnx

    return inspect_onnx(content, path, precision=precision)


def _check(content: bytes, path: str) -> None:
    from deeprnn_edge.runtimes.onnx.strict_reader import read_strictly

    read_strictly(content, path)


RUNTIME = Runtime(
    name="onnx",
    title="ONNX",
    library="ONNX Runtime",
    package="onnxruntime",
    open=_open,
    inspect=_inspect,
    check=_check,
    recurrent_operators=RECURRENT,
    loop_operators=LOOPS,
    # y = Identity(x); IR version 8, opset 13. Made with onnx.helper.make_model.
    start_model=base64.b64decode(
        "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0="
    ),
    portable=True,
    languages=("c++", "java", "javascript", "python", "csharp"),
)
