"""Reach into ONNX Runtime: every use of a part that its makers may change, a function each.

Where an upgrade took such a part away, the error says so in plain words.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from numpy.typing import NDArray

# ONNX Runtime 1.32 writes to ~/.cache/Microsoft and looks up the name of a telemetry host within seconds of its import;
# ``disable_telemetry_events()`` comes too late for both. A device library does neither. An app that has set the
# variable itself, or has imported ONNX Runtime before, keeps what it chose.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.packages import parts_of

VERSION: str = onnxruntime.__version__

_parts = partial(parts_of, "ONNX Runtime", "onnxruntime")
# What numpy calls otherwise; int32, bool and so on have one name.
_LONGEST_REASON = 500  # characters
_DTYPES = {"float": "float32", "double": "float64"}


def start_session(content: bytes, *, threads: int, steps: bool) -> Any:
    """Start an ``InferenceSession`` set for models of a few thousand multiplications a step.

    Args:
        content: an ONNX model.
        threads: threads inside one call.
        steps: whether it is called for single steps.

    Raises:
        MissingExtraError: where this ONNX Runtime is newer than what is used of it here.
    """
    with _parts():
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
        options.log_severity_level = 4  # errors reach the caller as exceptions, not as lines on stderr as well
        # Its Python half would open what failed a second time, and print that it does on stdout.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)


def interface_of(session: Any) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Return a session's inputs and outputs from their ``NodeArg``; ``?`` is an axis of any size."""
    with _parts():
        return [_spec(one) for one in session.get_inputs()], [_spec(one) for one in session.get_outputs()]


def start_binding(session: Any) -> tuple[Any, Any]:
    """Return a session's ``IOBinding``, and the ``run_with_iobinding`` that runs one."""
    with _parts():
        return session.io_binding(), session.run_with_iobinding


def bind(binding: Any, name: str, array: NDArray[Any], *, output: bool) -> None:
    """Let an ``OrtValue`` with the array's own memory, which the binding keeps, be an input or an output."""
    with _parts():
        value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
        (binding.bind_ortvalue_output if output else binding.bind_ortvalue_input)(name, value)


def name_failure(path: str, error: Exception) -> None:
    """Raise the named error of a graph that loads and fails as it runs; return for what is none of ONNX Runtime's.

    What a signal's handler raises comes out of a run too, and belongs to the app.

    Raises:
        BundleError: for ONNX Runtime's exceptions, which have no common base, and for what its bindings raise.
    """
    if type(error).__module__.startswith("onnxruntime") or isinstance(error, RuntimeError | ValueError | TypeError):
        raise BundleError(f"{path}: ONNX Runtime {VERSION} cannot run it on these inputs: {line(error)}") from error


def line(error: BaseException) -> str:
    """Return a message in one line, cut where a graph made it long."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}..."


def _spec(node: Any) -> TensorSpec:
    dtype = node.type.removeprefix("tensor(").removesuffix(")")
    return TensorSpec(node.name, _DTYPES.get(dtype, dtype), tuple(size or "?" for size in node.shape))
