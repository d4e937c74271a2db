"""Run a TFLite file of the stock converter in LiteRT, called as its documentation does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Set the input, invoke, read the output. The file takes one row."""
    if workload.batch > 1:
        raise ValueError(f"the file takes one row, and the batch is {workload.batch}")
    interpreter = Interpreter(model_path=str(path), num_threads=workload.threads)
    interpreter.allocate_tensors()
    (given,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def call(inputs: Any) -> Any:
        interpreter.set_tensor(given["index"], inputs)
        interpreter.invoke()
        return interpreter.get_tensor(output["index"])

    return Opened(call, path.stat().st_size)
