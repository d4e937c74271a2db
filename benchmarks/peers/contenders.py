"""Who is measured: each way to run a network, what it takes, and where it takes part."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

from benchmarks.peers.workloads import Workload

PEERS = "pip install 'deeprnn-edge[peers]'"
ENGINES = "benchmarks.peers.engines"
C_LOOP = f"{ENGINES}.c_loop"
WORKSHOP = "pip install 'deeprnn-edge[export]'"

# What each route leaves in a network's folder.
FILES = {
    "weights": "weights.npz",
    "keras": "model.keras",
    "ours": "ours",
    "ours-int8": "ours-int8",
    "ours-stream": "ours-stream",
    "keras-onnx": "keras.onnx",
    "tf2onnx": "tf2onnx.onnx",
    "stock-tflite": "stock.tflite",
    "unrolled-tflite": "unrolled.tflite",
}


@dataclass(frozen=True)
class Contender:
    """One way to run a network.

    engine: the module that opens it, see ``benchmarks.peers.engines``; it is told the ``variant``.
    file: what it reads of the network's folder, a key of FILES.
    package: what has to be importable, and ``install`` is the command that brings it.
    everywhere: it takes part in every workload; else in those of the seed size and the sensor alone. One of each
        engine shows how cost grows: two files of one engine grow alike, and the sweep is to end.
    streams_alone: it takes single steps and nothing else.
    """

    name: str
    title: str
    kind: Literal["ours", "peer", "yardstick"]
    engine: str
    file: str
    variant: str = ""
    package: str = "onnxruntime"
    install: str = "pip install deeprnn-edge"
    everywhere: bool = False
    streams_alone: bool = False

    def takes(self, workload: Workload) -> bool:
        """Whether it is measured on a workload."""
        if self.streams_alone:
            return workload.streams
        return self.everywhere or workload.group in ("seed", "threads", "sensor", "stream")

    def missing(self) -> str | None:
        """What is not installed and how to install it; None where nothing is missing."""
        if self.engine == C_LOOP:
            return None if compiler() else "no C compiler; install one, such as gcc, or name it in CC"
        if importlib.util.find_spec(self.package.split(".")[0]) is None:
            return f"{self.package} is not installed; install it with: {self.install}"
        return None


def compiler() -> str | None:
    """The path of the C compiler that CC names, else of ``cc``; None where there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


def compiler_version() -> str | None:
    """The first line of what the compiler says of itself; None where there is none."""
    path = compiler()
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return next(iter(done.stdout.splitlines()), None)


_OURS, _TFLITE = "ai_edge_litert", "pip install 'deeprnn-edge[tflite]'"

CONTENDERS = (
    Contender("ours-onnx", "deeprnn-edge, ONNX", "ours", f"{ENGINES}.deeprnn", "ours", "model.onnx", everywhere=True),
    Contender(
        "ours-onnx-int8", "deeprnn-edge, ONNX, int8", "ours", f"{ENGINES}.deeprnn", "ours-int8", "model.int8.onnx"
    ),
    Contender(
        "ours-tflite",
        "deeprnn-edge, TFLite",
        "ours",
        f"{ENGINES}.deeprnn",
        "ours",
        "model.tflite",
        _OURS,
        _TFLITE,
        everywhere=True,
    ),
    Contender(
        "ours-stream-onnx",
        "deeprnn-edge, ONNX stream",
        "ours",
        f"{ENGINES}.deeprnn",
        "ours-stream",
        "model.onnx",
        streams_alone=True,
    ),
    Contender(
        "ours-stream-tflite",
        "deeprnn-edge, TFLite stream",
        "ours",
        f"{ENGINES}.deeprnn",
        "ours-stream",
        "model.tflite",
        _OURS,
        _TFLITE,
        streams_alone=True,
    ),
    Contender(
        "keras-function",
        "Keras, tf.function",
        "peer",
        f"{ENGINES}.keras_model",
        "keras",
        "function",
        "tensorflow",
        WORKSHOP,
        everywhere=True,
    ),
    Contender(
        "keras-predict", "Keras, predict", "peer", f"{ENGINES}.keras_model", "keras", "predict", "tensorflow", WORKSHOP
    ),
    Contender(
        "keras-onnx", "Keras export, ONNX Runtime", "peer", f"{ENGINES}.onnx_file", "keras-onnx", everywhere=True
    ),
    Contender("tf2onnx", "tf2onnx, ONNX Runtime", "peer", f"{ENGINES}.onnx_file", "tf2onnx"),
    Contender("stock-tflite", "TFLiteConverter", "peer", f"{ENGINES}.tflite_file", "stock-tflite", "", _OURS, _TFLITE),
    Contender(
        "stock-tflite-unrolled",
        "TFLiteConverter, unrolled",
        "peer",
        f"{ENGINES}.tflite_file",
        "unrolled-tflite",
        "",
        _OURS,
        _TFLITE,
    ),
    Contender(
        "openvino-ours",
        "OpenVINO, our ONNX",
        "peer",
        f"{ENGINES}.openvino_file",
        "ours",
        "model.onnx",
        "openvino",
        PEERS,
        everywhere=True,
    ),
    Contender(
        "openvino-keras",
        "OpenVINO, Keras export",
        "peer",
        f"{ENGINES}.openvino_file",
        "keras-onnx",
        "",
        "openvino",
        PEERS,
    ),
    Contender(
        "torch-eager",
        "PyTorch, eager",
        "peer",
        f"{ENGINES}.torch_network",
        "weights",
        "eager",
        "torch",
        PEERS,
        everywhere=True,
    ),
    Contender(
        "torch-script", "PyTorch, TorchScript", "peer", f"{ENGINES}.torch_network", "weights", "script", "torch", PEERS
    ),
    Contender(
        "torch-compile", "PyTorch, compile", "peer", f"{ENGINES}.torch_network", "weights", "compile", "torch", PEERS
    ),
    Contender("c", "C loop, -O3 -march=native -ffast-math", "yardstick", C_LOOP, "weights", everywhere=True),
)
