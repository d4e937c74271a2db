"""Write a TFLite file without what no runtime reads: names of intermediate results, repeated constants.

The converter writes a constant anew for each operator that uses it, so steps that are written out have the
weights as often as there are steps; and the name of every tensor, some 50 bytes, of which there are thousands.
The operators, their order and every number stay as they were.
"""

from __future__ import annotations

from typing import Any

from deeprnn_edge.runtimes.tflite.notes import METADATA
from deeprnn_export.tracing.tensorflow_internals import lite_schema, read_lite_file, write_lite_file

# Of a constant's data in the file, as the schema demands (force_align of Buffer.data): flatbuffers' Python
# objects forget it, and kernels may read 16 bytes at once.
_ALIGNMENT_BYTES = 16


_Buffer: Any = lite_schema("BufferT")


class _AlignedBuffer(_Buffer):
    """Hold a buffer whose data stands where the schema wants it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the generated code's name
        """Write the buffer, as the generated method does, its data aligned."""
        builder.Prep(_ALIGNMENT_BYTES, len(self._content))
        data = builder.CreateByteVector(self._content)
        lite_schema("BufferStart")(builder)
        lite_schema("BufferAddData")(builder, data)
        return lite_schema("BufferEnd")(builder)


def compact(content: bytes, metadata: bytes | None = None) -> bytes:
    """Turn a TFLite file into one that computes the same; the same bytes for the same content.

    Constants keep their names, inputs and outputs those of the signatures.

    Args:
        metadata: by tflite-support's schema, to be written in place of what the file has.
    """
    model = read_lite_file(content)
    buffers: list[Any] = [model.buffers[0]]  # by convention empty: that of tensors without data
    places: dict[bytes, int] = {}

    def place(index: int) -> int:
        """Place a buffer's data in the new file, and return where."""
        data = model.buffers[index].data
        if data is None or not len(data):
            return 0
        content = bytes(data)
        if content not in places:
            places[content] = len(buffers)
            buffers.append(_AlignedBuffer(content))
        return places[content]

    named: set[int] = set()
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = place(tensor.buffer)
            if tensor.buffer in named or not tensor.buffer:
                tensor.name = None
            named.add(tensor.buffer)
    entries = list(model.metadata or [])
    if metadata is not None:
        entries = [entry for entry in entries if entry.name != METADATA.encode()]
    for entry in entries:
        entry.buffer = place(entry.buffer)
    if metadata is not None:
        made = lite_schema("MetadataT")()
        made.name, made.buffer = METADATA, len(buffers)
        buffers.append(_AlignedBuffer(metadata))
        entries.append(made)
    model.metadata = entries
    model.buffers = buffers
    return write_lite_file(model)
