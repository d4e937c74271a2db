"""Read the attributes of a scaler out of a ``.skops`` file: numbers and words, no object is made and nothing is run.

The format: a zip of ``schema.json``, a tree of nodes with the class of each, and the arrays as ``.npy``
(https://skops.readthedocs.io/en/stable/persistence.html). Reading it takes neither skops nor scikit-learn.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.npy import decode_array
from deeprnn_edge.files.zip_reader import CheckedZip

_SCHEMA = "schema.json"
_LARGEST_BYTES = 16 << 20


def read_skops(content: bytes, where: str, classes: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of the one object of a file, by name.

    Args:
        content: of the file.
        where: what it is called in messages.
        classes: the names of the classes of scikit-learn's ``preprocessing`` that it may be of.

    Raises:
        InputError: for an object of another class, and for what is damaged.
    """
    try:
        with CheckedZip(io.BytesIO(content), where, lambda _: None) as archive:
            schema = json.loads(_read(archive, _SCHEMA))
            kind, module = schema["__class__"], schema["__module__"]
            if kind not in classes or not module.startswith("sklearn.preprocessing"):
                raise InputError(f"{where} holds a {module}.{kind}; expected a fitted {' or '.join(classes)}")
            return {
                name: value
                for name, node in schema["content"]["content"].items()
                if (value := _value(node, archive)) is not None
            }
    except BundleError as error:  # of the zip and the arrays
        raise InputError(f"cannot read {where} as a skops file: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"cannot read {where} as a skops file: {reason}") from error


def _read(archive: CheckedZip, name: str) -> bytes:
    if archive.size_bytes(name) > _LARGEST_BYTES:
        raise ValueError(f"{name} unpacks to more than {_LARGEST_BYTES:,} bytes")
    return archive.read(name)


def _value(node: dict[str, Any], archive: CheckedZip) -> Any:
    """Return a node's value; None for what a scaler's numbers do not need."""
    loader = node["__loader__"]
    if loader == "JsonNode":
        return json.loads(node["content"])
    if loader == "NdArrayNode" and node["type"] == "numpy":
        return decode_array(_read(archive, node["file"]), node["file"])
    if loader in ("TupleNode", "ListNode") or (loader == "NdArrayNode" and node["type"] == "json"):
        return [_value(one, archive) for one in node["content"]]
    return None
