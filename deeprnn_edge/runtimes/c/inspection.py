"""Read what a C artifact is made of, without compiling it."""

from __future__ import annotations

import re

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.runtimes.c.description import read_description
from deeprnn_edge.runtimes.file_inspection import FileInspection, TensorBytes, summarize

_ARRAY = re.compile(rb"^static const (float|int8_t|int32_t) ([A-Za-z0-9_]{1,80})\[(\d{1,10})\]", re.MULTILINE)
_DTYPES = {b"float": ("float32", 4), b"int8_t": ("int8", 1), b"int32_t": ("int32", 4)}


def inspect_source(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    """Read the description and the arrays of a source.

    Raises:
        BundleError: where it is no source of deeprnn-edge.
    """
    found = read_description(content, path)
    tensors = []
    for kind, name, count in _ARRAY.findall(content):
        dtype, size_bytes = _DTYPES[kind]
        tensors.append(TensorBytes(name.decode(), dtype, (int(count),), int(count) * size_bytes))
    inspection = FileInspection(
        path=path,
        format="c",
        precision=precision,
        size_bytes=len(content),
        inputs=tuple(TensorSpec(port.name, port.dtype, port.shape) for port in found.inputs),
        outputs=tuple(TensorSpec(port.name, port.dtype, port.shape) for port in found.outputs),
        operators=dict(found.operations),
        tensors=tuple(tensors),
    )
    return summarize(inspection, recurrent=frozenset({"Recur"}))
