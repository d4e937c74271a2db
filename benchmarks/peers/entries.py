"""List who is measured: each way to run a network, what it takes, and where it takes part."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

from benchmarks.peers.workloads import Workload

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
class Engine:
    """Hold what opens networks: its module in ``engines``, the package that it imports, and what installs that."""

    module: str
    package: str
    install: str


@dataclass(frozen=True)
class Entry:
    """Hold one way to run a network.

    Attributes:
        engine: what opens it; it is told the ``variant``.
        file: what it reads of the network's folder, a key of FILES.
        everywhere: it takes part in every workload; else in those of the seed size and the sensor alone. One of each
            engine shows how cost grows: two files of one engine grow alike, and the sweep is to end.
        streams_alone: it takes single steps and nothing else.
    """

    name: str
    title: str
    kind: Literal["ours", "peer", "yardstick"]
    engine: Engine
    file: str
    variant: str = ""
    everywhere: bool = False
    streams_alone: bool = False

    def takes(self, workload: Workload) -> bool:
        """Return whether it is measured on a workload."""
        if self.streams_alone:
            return workload.streams
        return self.everywhere or workload.group in ("seed", "threads", "sensor", "stream")

    def missing(self) -> str | None:
        """Tell what is not installed and how to install it; None where nothing is missing."""
        if self.engine == _C:
            return None if compiler() else "no C compiler; install one, such as gcc, or name it in CC"
        package = self.engine.package.partition(".")[0]
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed; install it with: {self.engine.install}"
        return None


def compiler() -> str | None:
    """Return the path of the C compiler that CC names, else of ``cc``; None where there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


def compiler_version() -> str | None:
    """Return the first line of what the compiler says of itself; None where there is none."""
    path = compiler()
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return next(iter(done.stdout.splitlines()), None)


_MODULES = "benchmarks.peers.engines"
_DEVICE, _TFLITE, _WORKSHOP, _PEERS = (
    f"pip install {name}"
    for name in ("deeprnn-edge", "'deeprnn-edge[tflite]'", "'deeprnn-edge[export]'", "'deeprnn-edge[peers]'")
)
_LITERT = "ai_edge_litert.interpreter"
_OUR_ONNX = Engine(f"{_MODULES}.deeprnn", "onnxruntime", _DEVICE)
_OUR_TFLITE = Engine(f"{_MODULES}.deeprnn", _LITERT, _TFLITE)
_ONNX = Engine(f"{_MODULES}.onnx_file", "onnxruntime", _DEVICE)
_LITE = Engine(f"{_MODULES}.tflite_file", _LITERT, _TFLITE)
_KERAS = Engine(f"{_MODULES}.keras_model", "keras", _WORKSHOP)
_OPENVINO = Engine(f"{_MODULES}.openvino_file", "openvino", _PEERS)
_TORCH = Engine(f"{_MODULES}.torch_network", "torch", _PEERS)
_C = Engine(f"{_MODULES}.c_loop", "ctypes", "")

ENTRIES = (
    Entry("ours-onnx", "deeprnn-edge, ONNX", "ours", _OUR_ONNX, "ours", "model.onnx", everywhere=True),
    Entry("ours-onnx-int8", "deeprnn-edge, ONNX, int8", "ours", _OUR_ONNX, "ours-int8", "model.int8.onnx"),
    Entry("ours-tflite", "deeprnn-edge, TFLite", "ours", _OUR_TFLITE, "ours", "model.tflite", everywhere=True),
    Entry(
        "ours-stream-onnx",
        "deeprnn-edge, ONNX stream",
        "ours",
        _OUR_ONNX,
        "ours-stream",
        "model.onnx",
        streams_alone=True,
    ),
    Entry(
        "ours-stream-tflite",
        "deeprnn-edge, TFLite stream",
        "ours",
        _OUR_TFLITE,
        "ours-stream",
        "model.tflite",
        streams_alone=True,
    ),
    Entry("keras-function", "Keras, tf.function", "peer", _KERAS, "keras", "function", everywhere=True),
    Entry("keras-predict", "Keras, predict", "peer", _KERAS, "keras", "predict"),
    Entry("keras-onnx", "Keras export, ONNX Runtime", "peer", _ONNX, "keras-onnx", everywhere=True),
    Entry("tf2onnx", "tf2onnx, ONNX Runtime", "peer", _ONNX, "tf2onnx"),
    Entry("stock-tflite", "TFLiteConverter", "peer", _LITE, "stock-tflite"),
    Entry("stock-tflite-unrolled", "TFLiteConverter, unrolled", "peer", _LITE, "unrolled-tflite"),
    Entry("openvino-ours", "OpenVINO, our ONNX", "peer", _OPENVINO, "ours", "model.onnx", everywhere=True),
    Entry("openvino-keras", "OpenVINO, Keras export", "peer", _OPENVINO, "keras-onnx"),
    Entry("torch-eager", "PyTorch, eager", "peer", _TORCH, "weights", "eager", everywhere=True),
    Entry("torch-script", "PyTorch, TorchScript", "peer", _TORCH, "weights", "script"),
    Entry("torch-compile", "PyTorch, compile", "peer", _TORCH, "weights", "compile"),
    Entry("c", "C loop, -O3 -march=native -ffast-math", "yardstick", _C, "weights", everywhere=True),
)
