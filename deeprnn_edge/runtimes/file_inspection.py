"""Hold what one model file is made of: the result that the readers of every format give."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from deeprnn_edge.bundle.tensors import TensorSpec


@dataclass(frozen=True)
class TensorBytes:
    """Describe one constant of a file: a weight, a table, an index.

    Attributes:
        name: as the file has it.
        dtype: numpy's name of it, where it has one.
        shape: as stored; empty for a scalar.
        size_bytes: what it takes in the file, or beside it where the data is external.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int

    @property
    def parameters(self) -> int:
        """Return the number of its elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class FileInspection:
    """Describe one model file.

    Attributes:
        path: its path, inside the bundle for an artifact.
        format: as manifests write it.
        precision: as the manifest says; None for a file without a bundle.
        size_bytes: of the file.
        inputs: the file's own; an axis without a size is its name, or ``?``.
        outputs: the file's own, likewise.
        operators: operator to count, with the bodies of loops and branches, the most frequent first.
        recurrent: the operators among them that run a whole recurrence in one kernel.
        loops: the operators among them that run a subgraph.
        foreign: the operators outside the format's own set: Flex and custom ones in TFLite; in ONNX those of
            another domain, such as ``com.microsoft.GatherBlockQuantized``, which not every runtime has.
        tensors: the constants, the largest first.
        notes: what the file says of the model: name, preprocessing, labels, answer, states.
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
    notes: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def summarize(
    found: FileInspection,
    *,
    recurrent: Container[str] = (),
    loops: Container[str] = (),
    foreign: Container[str] = (),
) -> FileInspection:
    """Sort what a reader found, and tell its operators apart.

    Args:
        found: with operators and tensors in any order.
        recurrent: the names of operators that run a whole recurrence.
        loops: of those that run a subgraph.
        foreign: of those outside the format's own set.
    """
    counts = dict(sorted(found.operators.items(), key=lambda item: (-item[1], item[0])))
    return dataclasses.replace(
        found,
        operators=counts,
        recurrent={name: count for name, count in counts.items() if name in recurrent},
        loops={name: count for name, count in counts.items() if name in loops},
        foreign={name: count for name, count in counts.items() if name in foreign},
        tensors=tuple(sorted(found.tensors, key=lambda tensor: (-tensor.size_bytes, tensor.name))),
    )
