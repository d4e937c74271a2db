"""What one model file holds: the result that the readers of every format give."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from deeprnn_edge.bundle.manifest import TensorSpec


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
    recurrent, loops: the operators among them that run a whole recurrence in one kernel, and that run a subgraph.
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
    file_format: str,
    precision: str | None,
    size_bytes: int,
    operators: Mapping[str, int],
    recurrent: Container[str] = (),
    loops: Container[str] = (),
    foreign: Container[str] = (),
    inputs: tuple[TensorSpec, ...] = (),
    outputs: tuple[TensorSpec, ...] = (),
    tensors: Iterable[TensorBytes] = (),
    problem: str | None = None,
) -> FileInspection:
    """Sort what a reader found; ``recurrent``, ``loops`` and ``foreign`` hold the names by which operators differ."""
    counts = dict(sorted(operators.items(), key=lambda item: (-item[1], item[0])))
    return FileInspection(
        path=path,
        format=file_format,
        precision=precision,
        size_bytes=size_bytes,
        inputs=inputs,
        outputs=outputs,
        operators=counts,
        recurrent={name: count for name, count in counts.items() if name in recurrent},
        loops={name: count for name, count in counts.items() if name in loops},
        foreign={name: count for name, count in counts.items() if name in foreign},
        tensors=tuple(sorted(tensors, key=lambda tensor: (-tensor.size_bytes, tensor.name))),
        problem=problem,
    )
