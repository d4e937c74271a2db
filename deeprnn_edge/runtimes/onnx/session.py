"""Run a model in ONNX Runtime."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError, MissingExtraError
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.runtimes import forks
from deeprnn_edge.runtimes.onnx import library

if TYPE_CHECKING:
    from deeprnn_edge.runtimes.onnx.stepper import BufferPool, OnnxStepper


class OnnxSession:
    """Run one ONNX model. ``run`` may be called from several threads at once."""

    fixed_shapes: Mapping[str, tuple[int, ...]] = {}

    def __init__(self, content: bytes, path: str, *, threads: int = 1, steps: bool = False) -> None:
        try:
            session = library.start_session(content, threads=threads, steps=steps)
        except MissingExtraError:
            raise
        except Exception as error:
            raise BundleError(
                f"{path}: ONNX Runtime {library.VERSION} does not load it: {library.line(error)}"
            ) from error
        self._session, self._path = session, path
        self._run = session.run
        self._outputs = [output.name for output in session.get_outputs()]
        # A pool lives as long as a stream of its batch size.
        self._pools: WeakValueDictionary[tuple[StreamSpec, int], BufferPool] = WeakValueDictionary()
        self._lock = threading.Lock()
        forks.renew_lock(self)

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model: arrays of its own inputs to arrays of its outputs, both by name.

        Raises:
            BundleError: where ONNX Runtime cannot run the graph on them.
        """
        try:
            return dict(zip(self._outputs, self._run(self._outputs, feeds), strict=True))
        except Exception as error:
            library.name_failure(self._path, error)
            raise

    run_plain = run  # ONNX Runtime keeps nothing between calls

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """Return the file's inputs and outputs; ``?`` is an axis of any size."""
        return library.interface_of(self._session)

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None = None) -> OnnxStepper:  # noqa: ARG002 - free
        """Make new states for a stream of so many rows; a call takes any number of steps."""
        # Imported here, so that a program which does not stream starts without it.
        from deeprnn_edge.runtimes.onnx.stepper import BufferPool, OnnxStepper

        with self._lock:
            pool = self._pools.get((spec, rows))
            if pool is None:
                pool = self._pools[spec, rows] = BufferPool(self._session, self._path, spec, rows)
        return OnnxStepper(pool)
