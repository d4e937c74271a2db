"""Run LiteRT for the Java classes beside this file, over standard input and output: no JVM but Android's has it."""

from __future__ import annotations

import struct
import sys
from typing import Any

import numpy as np

from deeprnn_edge.runtimes.tflite import library

_TYPES = {"float32": "FLOAT32", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}
_source, _sink = sys.stdin.buffer, sys.stdout.buffer


def _unpack(form: str) -> int:
    content = _source.read(struct.calcsize(form))
    if not content:
        sys.exit()
    return int(struct.unpack(form, content)[0])


def _read_text() -> str:
    return _source.read(_unpack(">H")).decode()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def main() -> None:
    """Take the options and the model, tell its tensors, then run it on each call's inputs."""
    threads, xnnpack = _unpack(">i"), bool(_unpack(">B"))
    interpreter = library.start_interpreter(_source.read(_unpack(">i")), threads=threads, delegates=xnnpack)
    inputs, outputs = library.signature_of(interpreter)
    sides: tuple[tuple[str, dict[str, Any]], ...] = (("in ", inputs), ("out ", outputs))
    told = [(side + name, _TYPES[np.dtype(one["dtype"]).name]) for side, of in sides for name, one in of.items()]
    _sink.write(struct.pack(">i", len(told)) + b"".join(_text(name) + _text(kind) for name, kind in told))
    _sink.flush()
    while True:
        for _ in range(_unpack(">i")):
            detail = inputs[_read_text()]
            content = np.frombuffer(_source.read(_unpack(">i")), detail["dtype"])
            interpreter.set_tensor(detail["index"], content.reshape(detail["shape"]))
        wanted = [_read_text() for _ in range(_unpack(">i"))]
        interpreter.invoke()
        for name in wanted:
            content = interpreter.get_tensor(outputs[name]["index"]).tobytes()
            _sink.write(struct.pack(">i", len(content)) + content)
        _sink.flush()


if __name__ == "__main__":
    main()
