"""Refuse an ONNX file that takes tensors from elsewhere: from files beside it, or from the process's own memory.

A bundle is loaded from memory, where ONNX Runtime resolves such a path against the working directory.
"""

from __future__ import annotations

from collections.abc import Iterator

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import protobuf as wire

# The key that names the file: without it, ONNX Runtime has nothing to open and refuses the tensor itself.
_KEY = b"location"
# The fields that hold messages with tensors, by message: onnx/onnx.proto,
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_INSIDE = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}


def refuse_external_data(content: bytes, path: str) -> None:
    """Check that every tensor has its data in the file, wherever in the file it is.

    Args:
        content: of the file.
        path: its name, for messages.

    Raises:
        BundleError: that names the tensor which has not, and for bytes that are no ONNX model.
    """
    try:
        name = next(_external_tensors(memoryview(content)), None)
    except wire.WireError as error:
        raise BundleError(
            f"{path} is not an ONNX model ({error}); "
            "the file is truncated or of another format: copy or export it again"
        ) from error
    if name is not None:
        raise BundleError(
            f"{path}: the tensor {name!r} takes its data from outside of the file, which a bundle never does; "
            "export the model again"
        )


def _external_tensors(model: memoryview) -> Iterator[str]:
    # A list of what is left to read, not recursion: the nesting of a made-up file has no bound.
    pending = [("ModelProto", model, False)]
    while pending:
        kind, message, suspect = pending.pop()
        if kind == "TensorProto":
            if (name := _external_name(message)) is not None:
                yield name
            continue
        if kind == "NodeProto" and not suspect:
            # A node is short, and the search in it far quicker than its fields are read one by one. Once, and not
            # again in the nodes within it: deep nesting would make that quadratic.
            if _KEY not in bytes(message):
                continue
            suspect = True
        inside = _INSIDE[kind]
        for number, wire_type, value in wire.fields(message):
            if wire_type == wire.BYTES and number in inside and isinstance(value, memoryview):
                pending.append((inside[number], value, suspect))


def _external_name(tensor: memoryview) -> str | None:
    """Return the name of a tensor whose data is elsewhere; None of another."""
    name, external = "", False
    for number, _, value in wire.fields(tensor):
        # TensorProto: name = 8, external_data = 13, data_location = 14, which is 0 where the data is in the file
        if number == 8 and isinstance(value, memoryview):
            name = bytes(value).decode("utf-8", errors="replace")
        elif number == 13 or (number == 14 and value != 0):
            external = True
    return name if external else None
