"""Write notes into an ONNX file, as its ``metadata_props``."""

from __future__ import annotations

from collections.abc import Mapping

import onnx


def write_notes(content: bytes, notes: Mapping[str, str]) -> bytes:
    """Return the file with a property for each note, behind those that it has."""
    proto = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(proto, {**{one.key: one.value for one in proto.metadata_props}, **notes})
    return bytes(proto.SerializeToString(deterministic=True))
