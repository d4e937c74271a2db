"""Run an ONNX file in OpenVINO's CPU plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openvino

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open ``InferRequest.infer`` on the file ``path``, or its ``variant`` where it is a bundle."""
    file = path / variant if variant else path
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(workload.threads),
        # By default it computes in bfloat16 where the processor can, and then differs from Keras in the third digit.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(str(file), "CPU", options).create_infer_request()

    def call(inputs: Any) -> Any:
        # Shared: neither the inputs nor the answer are copied, the quickest documented way.
        return request.infer([inputs], share_inputs=True, share_outputs=True)[0]

    return Opened(call, file.stat().st_size)
