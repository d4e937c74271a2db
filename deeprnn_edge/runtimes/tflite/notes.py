"""Read the notes in a TFLite file: the description in its metadata, by tflite-support's schema."""

from __future__ import annotations

import importlib
import json
import struct
from typing import Any

METADATA = "TFLITE_METADATA"  # the name of the buffer, as tflite-support's populator gives it
IDENTIFIER = b"M001"
_DESCRIPTION_SLOT = 4 + 2 * 1  # the second field of ModelMetadata, behind the two sizes of a vtable


def metadata_entries(model: Any) -> list[tuple[str, str]]:
    """Return key and JSON of each entry of the description that is one object; none of other files.

    Args:
        model: the root of the file, by LiteRT's own schema.
    """
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry is not None and entry.Name() == METADATA.encode():
            return _entries(model.Buffers(entry.Buffer()).DataAsNumpy())
    return []


def _entries(data: Any) -> list[tuple[str, str]]:
    """Read the metadata's own flatbuffer. It may be anybody's: what is not of this form says nothing."""
    flatbuffers = importlib.import_module("flatbuffers")  # LiteRT's schema needs it too
    try:
        content = bytearray(data)
        if content[4:8] != IDENTIFIER:
            return []
        table = flatbuffers.table.Table(content, struct.unpack_from("<I", content)[0])
        place = table.Offset(_DESCRIPTION_SLOT)
        described = json.loads(table.String(table.Pos + place)) if place else None
        return [(str(key), json.dumps(value)) for key, value in described.items()] if described else []
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return []
