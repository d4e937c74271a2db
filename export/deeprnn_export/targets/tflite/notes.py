"""Write notes into a TFLite file, as the metadata that TensorFlow Lite's own tools read.

The schema is tflite-support's ``metadata_schema.fbs``; the buffer is named as its populator names it. The model's
description is one JSON object of all notes; each input and output has its name.
https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deeprnn_edge.runtimes.notes import PREFIX
from deeprnn_edge.runtimes.tflite.notes import IDENTIFIER
from deeprnn_export.targets.tflite.compact import compact
from deeprnn_export.tracing.tensorflow_internals import read_lite_file

flatbuffers: Any = importlib.import_module("flatbuffers")  # which TensorFlow brings, without types
# Of the tables: how many fields each has, and which of them are written.
_MODEL_FIELDS, _NAME, _DESCRIPTION, _SUBGRAPHS, _PARSER = 8, 0, 1, 3, 7
_SUBGRAPH_FIELDS, _INPUTS, _OUTPUTS = 7, 2, 3
_TENSOR_FIELDS = 7


def write_notes(content: bytes, notes: Mapping[str, str]) -> bytes:
    """Return the file with the metadata."""
    values = {key: json.loads(value) for key, value in notes.items()}
    description = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return compact(content, _metadata(str(values.get(f"{PREFIX}name", "")), description, *_names(content)))


def _names(content: bytes) -> tuple[list[str], list[str]]:
    """Return the names of inputs and outputs in the order of the graph's, as the signature has them."""
    model = read_lite_file(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    sides = []
    for places, entries in ((graph.inputs, signature.inputs), (graph.outputs, signature.outputs)):
        by_place = {entry.tensorIndex: entry.name.decode("utf-8") for entry in entries}
        sides.append([by_place.get(int(place), "") for place in places])
    return sides[0], sides[1]


def _metadata(name: str, description: str, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    builder = flatbuffers.Builder(0)
    sides = [_vector(builder, [_table(builder, _TENSOR_FIELDS, {_NAME: _text(builder, one)}) for one in side])
             for side in (inputs, outputs)]  # fmt: skip
    graph = _table(builder, _SUBGRAPH_FIELDS, dict(zip((_INPUTS, _OUTPUTS), sides, strict=True)))
    fields = {
        _NAME: _text(builder, name),
        _DESCRIPTION: _text(builder, description),
        _SUBGRAPHS: _vector(builder, [graph]),
        _PARSER: _text(builder, "1.0.0"),
    }
    builder.Finish(_table(builder, _MODEL_FIELDS, fields), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _text(builder: Any, text: str) -> Any:
    return builder.CreateString(text)


def _table(builder: Any, count: int, fields: Mapping[int, Any]) -> Any:
    builder.StartObject(count)
    for slot, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return builder.EndObject()


def _vector(builder: Any, offsets: Sequence[Any]) -> Any:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
