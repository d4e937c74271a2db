"""What one model file holds: the result type that the readers of ONNX and TFLite files share."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from deeprnn_edge.bundle.manifest import TensorSpec

# The operators that run a whole recurrence in one kernel, by format.
RECURRENT = {
    "onnx": frozenset({"RNN", "LSTM", "GRU"}),
    "tflite": frozenset(
        {
            "RNN",
            "LSTM",
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            "BIDIRECTIONAL_SEQUENCE_RNN",
            "BIDIRECTIONAL_SEQUENCE_LSTM",
        }
    ),
}
# The operators that run a subgraph, by format: a recurrence that was not lowered is one of these.
LOOPS = {"onnx": frozenset({"Loop", "Scan", "If"}), "tflite": frozenset({"WHILE", "IF"})}


@dataclass(frozen=True)
class TensorBytes:
    """One constant of a file: a weight, a table, an index.

    shape: as stored; empty for a scalar.
    size_bytes: what it takes in the file, or beside it where the data is external.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int

    @property
    def parameters(self) -> int:
        """The number of its elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class FileInspection:
    """One model file.

    path: its path, inside the bundle for an artifact.
    precision: as the manifest says; None for a file without a bundle.
    inputs, outputs: the file's own; an axis without a size is its name, or ``?``.
    operators: operator to count, with the bodies of loops and branches, the most frequent first.
    recurrent, loops: the operators of RECURRENT and of LOOPS among them.
    foreign: the operators outside the format's own set: Flex and custom ones in TFLite; in ONNX those of
        another domain, such as ``com.microsoft.GatherBlockQuantized``, which not every runtime has.
    tensors: the constants, the largest first.
    problem: why the file could not be read here, in which case ``operators`` are the manifest's.
    """

    path: str
    format: str
    precision: str | None
    size_bytes: int
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    operators: Mapping[str, int] = field(default_factory=dict)
    recurrent: Mapping[str, int] = field(default_factory=dict)
    loops: Mapping[str, int] = field(default_factory=dict)
    foreign: Mapping[str, int] = field(default_factory=dict)
    tensors: tuple[TensorBytes, ...] = ()
    problem: str | None = None


def summarize(
    *,
    path: str,
    file_format: Literal["onnx", "tflite"],
    precision: str | None,
    size_bytes: int,
    operators: Mapping[str, int],
    foreign: Container[str],
    inputs: tuple[TensorSpec, ...] = (),
    outputs: tuple[TensorSpec, ...] = (),
    tensors: Iterable[TensorBytes] = (),
    problem: str | None = None,
) -> FileInspection:
    """Sort what a reader found, and tell the operators apart; ``foreign`` holds the names that are."""
    counts = dict(sorted(operators.items(), key=lambda item: (-item[1], item[0])))
    return FileInspection(
        path=path,
        format=file_format,
        precision=precision,
        size_bytes=size_bytes,
        inputs=inputs,
        outputs=outputs,
        operators=counts,
        recurrent={name: count for name, count in counts.items() if name in RECURRENT[file_format]},
        loops={name: count for name, count in counts.items() if name in LOOPS[file_format]},
        foreign={name: count for name, count in counts.items() if name in foreign},
        tensors=tuple(sorted(tensors, key=lambda tensor: (-tensor.size_bytes, tensor.name))),
        problem=problem,
    )
