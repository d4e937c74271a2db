"""One-operator models that start a runtime: what its first session costs once is not the model's own.

Measured: ONNX Runtime's first session of any model adds 10 MB to a process, LiteRT's 3 MB.
"""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np

from deeprnn_edge.runtimes.session import open_session

# y = Identity(x), float32 (1,); IR version 8, opset 13. Made with onnx.helper.make_model.
_ONNX = base64.b64decode("CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0=")
# y = ADD(x, x), float32 (1,), with the signature serving_default. Made with LiteRT's schema_py_generated.
_TFLITE = base64.b64decode(
    "HAAAAFRGTDMUABgAFAAQAAwAAAAIAAAAAAAEABQAAAAUAAAAjAAAAJQAAABcAQAAAwAAAAEAAAAQAAAAAAAKABAADAAIAAQACgAAAAwAAAAcAAAA"
    "PAAAAA8AAABzZXJ2aW5nX2RlZmF1bHQAAQAAAAwAAAAIAAwACAAEAAgAAAABAAAABAAAAAEAAAB5AAAAAQAAAAwAAAAAAAYACAAEAAYAAAAEAAAA"
    "AQAAAHgAAAABAAAABAAAACj///8BAAAAEAAAAAwAFAAQAAwACAAEAAwAAAAQAAAAUAAAAFQAAABYAAAAAQAAABQAAAAAAA4AFAAAABAADAALAAQA"
    "DgAAABAAAAAAAAALDAAAABAAAACA////AQAAAAEAAAACAAAAAAAAAAAAAAABAAAAAQAAAAEAAAAAAAAAAgAAADAAAAAEAAAA5P///wgAAAAMAAAA"
    "AQAAAHkAAAABAAAAAQAAAAwADAAIAAAAAAAEAAwAAAAIAAAADAAAAAEAAAB4AAAAAQAAAAEAAAABAAAACAAAAAQABAAEAAAA"
)


def warm_up(file_format: Literal["onnx", "tflite"], *, threads: int = 1) -> None:
    """Run a one-operator model in the runtime of a format. Raises MissingExtraError without LiteRT."""
    content = {"onnx": _ONNX, "tflite": _TFLITE}[file_format]
    open_session(content, kind=file_format, path="warm-up", threads=threads).run({"x": np.ones(1, np.float32)})
