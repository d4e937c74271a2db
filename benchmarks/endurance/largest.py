"""Make the largest inputs that the limits let through, and measure what the checks of each cost."""

from __future__ import annotations

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import decode_golden
from deeprnn_edge.bundle.manifest import decode_manifest
from deeprnn_edge.bundle.manifest_checks import check_manifest
from deeprnn_edge.bundle.vocabulary import VOCABULARY, decode_vocabulary
from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_edge.files import limits
from deeprnn_edge.files.protobuf import MOST_FIELDS
from deeprnn_edge.runtimes.onnx.inspection import inspect_onnx
from deeprnn_edge.runtimes.onnx.strict_reader import read_strictly
from deeprnn_export.datasets.table import read_text_dataset
from tests.support.paths import FIXTURES

_LAYER = {"name": "", "kind": "", "parameters": 1}
_TENSOR = {"name": "", "precision": "", "size_bytes": 1}


def largest_inputs() -> dict[str, dict[str, Any]]:
    """Return for each input its bytes, the seconds of the processor that its check took, and what came of it."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (size_bytes, check) in _checks(Path(folder)).items():
            started = time.process_time()
            try:
                check()
                said = "accepted"
            except DeepRNNEdgeError as error:
                said = type(error).__name__
            seconds = round(time.process_time() - started, 2)
            found[name] = {"size_bytes": size_bytes, "cpu_seconds": seconds, "outcome": said}
    return found


def _checks(folder: Path) -> dict[str, tuple[int, Callable[[], object]]]:
    manifests = {
        "manifest of layers": _manifest(["architecture", "layers"], _LAYER),
        "manifest of labels": _manifest(["labels"], ""),
        "manifest of axes": _manifest(["inputs", 0, "shape"], 1),
        "manifest of tensors": _manifest(["artifacts", 0, "tensors"], _TENSOR),
        "manifest of nested lists": _manifest(["created_with"], [[]]),
    }
    goldens = {"golden bomb": _bomb(), "golden of 9,998 arrays": _many_arrays()}
    # The same field again and again, metadata without an end, and nodes of no bytes.
    floods = {"ONNX of one field": b"\x08\x09" * (8 << 20), "ONNX of metadata": b"\x08\x0a" + b"\x72\x00" * (8 << 20)}
    nodes = b"\x0a\x00" * (MOST_FIELDS - 1)
    floods["ONNX of empty nodes"] = b"\x08\x0a\x3a" + _varint(len(nodes)) + nodes
    words = "x\n" * (limits.VOCABULARY_WORDS - 1)
    table = folder / "labels.csv"
    table.write_text("text,label\n" + "".join(f"w,l{row % 30_000}\n" for row in range(60_000)), encoding="utf-8")
    checks: dict[str, tuple[int, Callable[[], object]]] = {
        name: (len(text), lambda text=text: check_manifest(decode_manifest(text))) for name, text in manifests.items()
    }
    checks |= {name: (len(one), lambda one=one: decode_golden(one)) for name, one in goldens.items()}
    checks |= {name: (len(one), lambda one=one: read_strictly(one, "m.onnx")) for name, one in floods.items()}
    checks |= {
        f"inspection of {name}": (len(one), lambda one=one: inspect_onnx(one, "m.onnx")) for name, one in floods.items()
    }
    checks["vocabulary"] = (len(words), lambda: decode_vocabulary(words, Path(VOCABULARY)))
    checks["table of 30,000 labels"] = (
        table.stat().st_size,
        lambda: read_text_dataset(table, max_length=None, vocabulary_size=10_000),
    )
    return checks


def _manifest(path: list[Any], one: Any) -> str:
    """Return a manifest as large as the limit, filled up with one thing."""
    raw = json.loads((FIXTURES / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = []
    left = limits.MANIFEST_BYTES - len(json.dumps(raw))
    place[path[-1]] = [one] * (left // (len(json.dumps(one, separators=(",", ":"))) + 1))
    return json.dumps(raw, separators=(",", ":"))


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array)
            archive.writestr(f"{name}.npy", entry.getvalue())
    return content.getvalue()


def _bomb() -> bytes:
    half = np.zeros(limits.GOLDEN_UNPACKED_BYTES // 8 - 64, np.float32)
    return _npz({"c/in/x": half, "c/out/y": half})


def _many_arrays() -> bytes:
    one = np.ones((1, 1), np.float32)
    return _npz({f"c{number}/{side}/x": one for number in range(limits.ZIP_ENTRIES // 2 - 1) for side in ("in", "out")})


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
