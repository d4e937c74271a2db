"""A runtime of a format that nobody else has: an RNN as an npz of weights, run by a loop in numpy.

What another package would bring, in one file; the tests register it as that would, through an entry point.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.file_inspection import FileInspection, TensorBytes, summarize
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.runtimes.states import allocate, fill_initial

RECURRENT, LOOPS = frozenset({"Recur"}), frozenset({"Turn"})
WEIGHTS = ("kernel", "recurrent", "bias")


def encode(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The content of a file; without weights it is the identity, of one operator."""
    content = io.BytesIO()
    np.savez(content, **weights)  # type: ignore[arg-type]
    return content.getvalue()


def decode(content: bytes, path: str) -> dict[str, NDArray[np.float32]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:
        raise BundleError(f"{path} is no npzrnn file: {error}") from error


class Session:
    """``h = tanh(x W + h U + b)``, whose last ``h`` answers."""

    fixed_shapes: Mapping[str, tuple[int, ...]] = {}

    def __init__(self, content: bytes, path: str, *, threads: int, steps: bool) -> None:  # noqa: ARG002
        self._weights = decode(content, path)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if not self._weights:
            return dict(feeds)
        start = np.zeros((len(feeds["x"]), len(self._weights["bias"])), np.float32)
        return {"h": self.advance(feeds["x"], start)}

    run_plain = run

    def advance(self, x: NDArray[Any], h: NDArray[Any]) -> NDArray[Any]:
        kernel, recurrent, bias = (self._weights[name] for name in WEIGHTS)
        for step in range(x.shape[1]):
            h = np.tanh(x[:, step] @ kernel + h @ recurrent + bias)
        return h

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        features, units = self._weights["kernel"].shape
        inputs = [TensorSpec("x", "float32", ("batch", "time", features))]
        outputs = [TensorSpec("h", "float32", ("batch", units))]
        if "stream" in self._weights:
            inputs.append(TensorSpec("state_h", "float32", ("batch", units)))
            outputs.append(TensorSpec("next_state_h", "float32", ("batch", units)))
        return inputs, outputs

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None) -> Stepper:  # noqa: ARG002
        return Stepper(self, spec, rows)


class Stepper:
    def __init__(self, session: Session, spec: StreamSpec, rows: int) -> None:
        self._session = session
        _, self.state = allocate(spec.states, rows)
        fill_initial(self.state, spec.states)

    def advance(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.state["state_h"][:] = after = self._session.advance(arrays["x"], self.state["state_h"])
        return {"h": after}


def inspect(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    weights = decode(content, path)
    inputs, outputs = Session(content, path, threads=1, steps=False).interface()
    tensors = tuple(TensorBytes(name, str(array.dtype), array.shape, array.nbytes) for name, array in weights.items())
    found = FileInspection(
        path,
        RUNTIME.name,
        precision,
        len(content),
        tuple(inputs),
        tuple(outputs),
        Counter({"Recur": 1}),
        tensors=tensors,
    )
    return summarize(found, recurrent=RECURRENT, loops=LOOPS)


def check(content: bytes, path: str) -> None:
    if len(content) > 1_000_000:
        raise BundleError(f"{path}: no npzrnn file has {len(content):,} bytes")


RUNTIME = Runtime(
    name="npzrnn",
    title="NPZ-RNN",
    library="numpy",
    package="numpy",
    open=Session,
    inspect=inspect,
    check=check,
    recurrent_operators=RECURRENT,
    loop_operators=LOOPS,
    start_model=encode({}),
)
