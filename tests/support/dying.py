"""A program that ends as it is told to: what a guarded process is tried with."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from deeprnn_edge.errors import MissingExtraError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.files.guard.question import answer


def end(request: dict[str, Any]) -> object:
    how = request["how"]
    report(f"{how} file")
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        time.sleep(60)
    if how == "steps":  # each within the limit, and together beyond it
        for _ in range(6):
            time.sleep(0.4)
            report("steps file")
    if how == "memory":
        bytearray(4 << 30)
    if how == "error":
        raise MissingExtraError("a library is missing")
    if how == "traceback":
        raise KeyError("a fault of our own")
    if how == "noise":
        os.write(1, b"a native library says something\n" * 1000)
    if how == "liar":
        os.write(1, b'\n{"error": "os.system", "message": 1}\n')
        os._exit(0)
    if how == "endless":
        while True:
            os.write(1, b"x" * 65536)
    return {"said": request["text"]}


if __name__ == "__main__":
    answer(end) if "how" in json.loads(sys.argv[1]) else sys.exit(3)
