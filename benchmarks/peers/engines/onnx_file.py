"""Run an ONNX file of other makers in ONNX Runtime, with the same session options as ours."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open ``InferenceSession.run`` on ``path``, which is the file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = workload.threads, 1
    # As in our own session. Its spinning threads would only cost CPU time: the entries take turns.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return Opened(lambda inputs: session.run(None, {given.name: inputs})[0], path.stat().st_size)
