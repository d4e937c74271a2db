"""Read a TFLite file: operators, buffers, inputs and outputs, with the schema that LiteRT ships.

The schema: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/schema/schema.fbs
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.file_inspection import FileInspection, TensorBytes, summarize
from deeprnn_edge.runtimes.notes import read_notes
from deeprnn_edge.runtimes.tflite.library import load_schema
from deeprnn_edge.runtimes.tflite.notes import METADATA, metadata_entries
from deeprnn_edge.runtimes.tflite.operators import LOOPS, RECURRENT

_IDENTIFIER = b"TFL3"
_LARGEST_RANK = 64
# What the flatbuffers package raises where an offset or a length leads out of the bytes, and what
# follows when it leads to other bytes than a table's (absent fields are None, names are not UTF-8).
_DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError)


def inspect_tflite(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    """Read what a TFLite file holds, the bodies of WHILE and IF included.

    A buffer that several tensors share counts once, under the name of the first. Inputs and outputs have
    the names of the first signature, or of the tensors in a file without one.

    Args:
        content: of the file.
        path: its name, for messages.
        precision: as the manifest says.

    Raises:
        BundleError: where the bytes are no TFLite model.
        MissingExtraError: without LiteRT.
    """
    schema = load_schema()
    if content[4:8] != _IDENTIFIER:
        raise BundleError(_not_tflite(path, f"it does not hold {_IDENTIFIER.decode()} at byte 4"))
    try:
        model = schema.Model.GetRootAs(content, 0)
        _check_counts(model, len(content))
        operators, custom = _operators(model, schema)
        inputs, outputs = _interface(model, schema)
        tensors = _tensors(model, schema)
        notes = read_notes(_metadata(model))
    except _DAMAGE as error:
        raise BundleError(_not_tflite(path, "its tables are damaged")) from error
    found = FileInspection(
        path, "tflite", precision, len(content), inputs, outputs, operators, tensors=tuple(tensors), notes=notes
    )
    return summarize(found, recurrent=RECURRENT, loops=LOOPS, foreign=custom)


def _not_tflite(path: str, reason: str) -> str:
    return (
        f"{path} is not a TFLite model ({reason}); the file is truncated or of another format: copy or export it again"
    )


def _check_counts(model: Any, size_bytes: int) -> None:
    """Raise ValueError where there are more tables than bytes for them, so that damage cannot cost hours."""
    if not model.SubgraphsLength():
        raise ValueError("no subgraph")
    count = model.BuffersLength() + model.OperatorCodesLength() + model.MetadataLength()
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        count += 1 + graph.OperatorsLength() + graph.TensorsLength()
        # The offset of a table takes four bytes, wherever the table is.
        if count > size_bytes // 4:
            raise ValueError("more tables than bytes")


def _operators(model: Any, schema: Any) -> tuple[Counter[str], set[str]]:
    """Return operator to count, and the names that are custom codes."""
    builtin = _names(schema.BuiltinOperator)
    names, custom = [], set()
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        # Codes above 126 do not fit the old field, codes below are in both or in the old one alone.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number == schema.BuiltinOperator.CUSTOM:
            names.append(code.CustomCode().decode("utf-8"))
            custom.add(names[-1])
        else:
            names.append(builtin.get(number, f"operator {number}"))
    counts: Counter[str] = Counter()
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        counts.update(names[graph.Operators(number).OpcodeIndex()] for number in range(graph.OperatorsLength()))
    return counts, custom


def _interface(model: Any, schema: Any) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    if model.SignatureDefsLength():
        signature = model.SignatureDefs(0)
        tensors = model.Subgraphs(signature.SubgraphIndex()).Tensors
        inputs = [signature.Inputs(index) for index in range(signature.InputsLength())]
        outputs = [signature.Outputs(index) for index in range(signature.OutputsLength())]
        named = [[(entry.Name(), tensors(entry.TensorIndex())) for entry in side] for side in (inputs, outputs)]
    else:
        graph = model.Subgraphs(0)
        inputs = [graph.Tensors(graph.Inputs(index)) for index in range(graph.InputsLength())]
        outputs = [graph.Tensors(graph.Outputs(index)) for index in range(graph.OutputsLength())]
        named = [[(tensor.Name(), tensor) for tensor in side] for side in (inputs, outputs)]
    dtypes = _names(schema.TensorType)
    given, answered = (tuple(_spec(name, tensor, dtypes) for name, tensor in side) for side in named)
    return given, answered


def _spec(name: bytes, tensor: Any, dtypes: dict[int, str]) -> TensorSpec:
    return TensorSpec(name.decode("utf-8"), _dtype(tensor, dtypes), _symbolic_shape(tensor))


def _tensors(model: Any, schema: Any) -> list[TensorBytes]:
    dtypes = _names(schema.TensorType)
    sizes = [_buffer_bytes(model.Buffers(index)) for index in range(model.BuffersLength())]
    found: dict[int, TensorBytes] = {}
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        for number in range(graph.TensorsLength()):
            tensor = graph.Tensors(number)
            buffer = tensor.Buffer()
            if sizes[buffer] and buffer not in found:
                name, shape = tensor.Name().decode("utf-8"), _shape(tensor)
                found[buffer] = TensorBytes(name, _dtype(tensor, dtypes), shape, sizes[buffer])
    return list(found.values())


def _metadata(model: Any) -> list[tuple[str, str]]:
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry is not None and entry.Name() == METADATA.encode():
            return metadata_entries(model.Buffers(entry.Buffer()).DataAsNumpy())
    return []


def _buffer_bytes(buffer: Any) -> int:
    # Data beyond the 2 GB of a flatbuffer stands behind it, addressed by Offset and Size.
    return int(buffer.DataLength() or buffer.Size())


def _shape(tensor: Any) -> tuple[int, ...]:
    if tensor.ShapeLength() > _LARGEST_RANK:
        raise ValueError("a tensor's shape is damaged")
    return tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))


def _symbolic_shape(tensor: Any) -> tuple[int | str, ...]:
    """Return the shape with ``?`` for the axes that the signature leaves free (-1)."""
    if tensor.ShapeSignatureLength() != tensor.ShapeLength():
        return _shape(tensor)
    return tuple("?" if tensor.ShapeSignature(axis) < 0 else size for axis, size in enumerate(_shape(tensor)))


def _dtype(tensor: Any, dtypes: dict[int, str]) -> str:
    return dtypes.get(tensor.Type(), f"type {tensor.Type()}").lower()


def _names(enum: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}
