"""ONNX Runtime, set for models of a few thousand multiplications a step."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import onnxruntime
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError

if TYPE_CHECKING:
    from deeprnn_edge.runtimes.onnx.stepper import BufferPool, OnnxStepper


# What numpy calls otherwise; int32, bool and so on have one name.
_DTYPES = {"float": "float32", "double": "float64"}


class OnnxSession:
    """One ONNX model. ``run`` may be called from several threads at once.

    steps: it is called for single steps.
    """

    fixed_shapes: Mapping[str, tuple[int, ...]] = {}

    def __init__(self, content: bytes, path: str, *, threads: int = 1, steps: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        # At this size a second thread costs more than it brings (measured: 90 to 103 us against
        # 75 to 85), and waiting threads that spin take a core from the app: microsoft/onnxruntime#11841.
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The values of one step are so small that malloc is quicker than ONNX Runtime's arena (measured: 10.1 us
        # against 11.5); those of 32 rows of 100 steps are not (1,430 against 1,360).
        options.enable_cpu_mem_arena = not steps
        # ONNX Runtime's own format it would take as well, by its first bytes; an artifact is what it says that it is.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        options.log_severity_level = 3  # errors reach the caller as exceptions, not as lines on stderr
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BundleError(
                f"{path}: ONNX Runtime {onnxruntime.__version__} does not load it: {_line(error)}"
            ) from error
        self._session = session
        self._run = session.run
        self._outputs = [output.name for output in session.get_outputs()]
        # A pool lives as long as a stream of its batch size.
        self._pools: WeakValueDictionary[tuple[StreamSpec, int], BufferPool] = WeakValueDictionary()
        self._lock = threading.Lock()

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Arrays of the model's own inputs to arrays of its outputs, both by name."""
        return dict(zip(self._outputs, self._run(self._outputs, feeds), strict=True))

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """The file's inputs and outputs; ``?`` is an axis of any size."""
        return [_spec(one) for one in self._session.get_inputs()], [_spec(one) for one in self._session.get_outputs()]

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None = None) -> OnnxStepper:  # noqa: ARG002 - free
        """New states for a stream of so many rows; a call takes any number of steps."""
        # Imported here, so that a program which does not stream starts without it.
        from deeprnn_edge.runtimes.onnx.stepper import BufferPool, OnnxStepper

        with self._lock:
            pool = self._pools.get((spec, rows))
            if pool is None:
                pool = self._pools[spec, rows] = BufferPool(self._session, spec, rows)
        return OnnxStepper(pool)


def _spec(node: Any) -> TensorSpec:
    dtype = node.type.removeprefix("tensor(").removesuffix(")")
    return TensorSpec(node.name, _DTYPES.get(dtype, dtype), tuple(size or "?" for size in node.shape))


def _line(error: BaseException) -> str:
    return str(error).strip().replace("\n", " ")
