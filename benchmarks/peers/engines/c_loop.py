"""Run plain loops in C (``c_loop.c``), compiled for this very machine: a yardstick, not something to ship."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.entries import compiler
from benchmarks.peers.workloads import EMBEDDING, Network, Workload

FLAGS = ("-O3", "-march=native", "-ffast-math")
_GATES = {"rnn": 1, "gru": 3, "lstm": 4}
_HEADS = {"regression": 0, "binary": 1, "multiclass": 2}
_FLOATS = ctypes.POINTER(ctypes.c_float)
Weights = Mapping[str, NDArray[np.float32]]


class _Layer(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("inputs", "units")),
        *((name, _FLOATS) for name in ("kernel", "recurrent", "bias", "recurrent_bias")),
    ]


class _Network(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("cell", "layers", "features", "outputs", "masked", "head")),
        *((name, _FLOATS) for name in ("embedding", "dense_kernel", "dense_bias")),
        ("layer", ctypes.POINTER(_Layer)),
    ]


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open ``path``, the file of the weights. It computes in one thread, however many there are."""
    with np.load(path) as file:
        weights = dict(file)
    library, code_bytes = _compile()
    network = workload.network
    described, kept = _describe(network, weights)
    rows, steps = workload.batch, 1 if workload.streams else network.steps
    widest = max(network.features or EMBEDDING, *network.units)
    state = np.zeros((rows, len(network.units), 2, widest), np.float32)
    sequence, z = np.empty((steps, widest), np.float32), np.empty((6, widest), np.float32)
    buffers = (_floats(state), _floats(sequence), _floats(z))

    def call(inputs: NDArray[Any]) -> NDArray[np.float32]:
        answers = np.empty((rows, network.outputs), np.float32)
        ids = inputs.ctypes.data if network.features is None else None
        vectors = None if network.features is None else inputs.ctypes.data
        library.run(described, ids, vectors, rows, steps, widest, int(workload.streams), *buffers, _floats(answers))
        return answers

    # The buffers live as long as the call that holds them.
    call.kept = (kept, state, sequence, z)  # type: ignore[attr-defined]
    return Opened(call, code_bytes + sum(value.nbytes for value in weights.values()), carries=workload.streams)


def _compile() -> tuple[ctypes.CDLL, int]:
    """Compile the library, and tell its bytes. Raises OSError with the compiler's first line where it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "c_loop.so"
        command = [
            str(compiler()),
            *FLAGS,
            "-shared",
            "-fPIC",
            str(Path(__file__).with_suffix(".c")),
            "-o",
            str(target),
            "-lm",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{' '.join(command[:4])}: {(done.stderr.strip().splitlines() or ['no message'])[0]}")
        library = ctypes.CDLL(str(target))
        library.run.argtypes = [
            ctypes.POINTER(_Network), ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 4, *[_FLOATS] * 4
        ]  # fmt: skip
        library.run.restype = None
        return library, target.stat().st_size


def _describe(network: Network, weights: Weights) -> tuple[_Network, list[Any]]:
    """Describe the network for C, with what it points at."""
    arrays = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    # A GRU of Keras (reset_after) has a bias for each of the two products.
    for index in range(len(network.units)):
        if network.cell == "gru":
            arrays[f"{index}/bias"], arrays[f"{index}/recurrent_bias"] = arrays[f"{index}/bias"].copy()
    layers = (_Layer * len(network.units))()
    for index, units in enumerate(network.units):
        names = ("kernel", "recurrent", "bias", "recurrent_bias")
        pointers = [_floats(arrays.get(f"{index}/{name}")) for name in names]
        layers[index] = _Layer(len(arrays[f"{index}/kernel"]), units, *pointers)
    described = _Network(
        _GATES[network.cell],
        len(layers),
        network.features or EMBEDDING,
        network.outputs,
        int(network.masked),
        _HEADS[network.head],
        _floats(arrays.get("embedding")),
        _floats(arrays["dense/kernel"]),
        _floats(arrays["dense/bias"]),
        layers,
    )
    return described, [arrays, layers]


def _floats(array: NDArray[np.float32] | None) -> Any:
    return None if array is None else array.ctypes.data_as(_FLOATS)
