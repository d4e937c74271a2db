"""Read the notes in a TFLite file: the description in its metadata, by tflite-support's schema."""

from __future__ import annotations

import importlib
import json
import struct
from typing import Any

METADATA = "TFLITE_METADATA"  # the name of the buffer, as tflite-support's populator gives it
IDENTIFIER = b"M001"
_DESCRIPTION_SLOT = 4 + 2 * 1  # the second field of ModelMetadata, behind the two sizes of a vtable


def metadata_entries(data: Any) -> list[tuple[str, str]]:
    """Return key and JSON of each entry of the description that is one object; of anybody's other metadata none.

    Args:
        data: the bytes of the buffer.
    """
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
