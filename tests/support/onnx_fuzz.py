"""Two readers of the same damaged ONNX files: what ours accepts, the onnx package reads alike, and nothing is opened.

A file that must never be opened is watched by the kernel (inotify) while ONNX Runtime loads what was accepted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.message import DecodeError

from deeprnn_edge.errors import BundleError
from deeprnn_edge.runtimes.onnx.strict_reader import read_strictly
from tests.support.paths import FIXTURES

_IN_OPEN = 0x20


@dataclass
class Seen:
    """Count what came of the files.

    Attributes:
        disagreements: accepted here, and refused or read otherwise by the onnx package.
        opened: accepted here, and the watched file was opened.
        slowest_seconds: that our reader took for one.
    """

    inputs: int = 0
    accepted: int = 0
    loaded: int = 0
    slowest_seconds: float = 0.0
    disagreements: list[bytes] = field(default_factory=list)
    opened: list[bytes] = field(default_factory=list)


def fuzz(count: int, *, seed: int) -> Seen:
    """Damage files in many ways, and hold the readers against each other."""
    seen, drawn = Seen(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, _watched(Path(folder) / "w.bin") as was_opened:
        seeds = [path.read_bytes() for path in sorted(FIXTURES.rglob("*.onnx"))]
        seeds += [_with_external(content, str(Path(folder) / "w.bin")) for content in seeds]
        for _ in range(count):
            content = _damage(drawn.choice(seeds), drawn)
            seen.inputs += 1
            started = time.perf_counter()
            try:
                read_strictly(content, "m.onnx")
            except BundleError:
                continue
            finally:
                seen.slowest_seconds = max(seen.slowest_seconds, time.perf_counter() - started)
            seen.accepted += 1
            if not _reads_alike(content):
                seen.disagreements.append(content)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            with contextlib.suppress(Exception):  # a damaged graph may be refused; what counts is what was opened
                onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
                seen.loaded += 1
            if was_opened():
                seen.opened.append(content)
    return seen


def _reads_alike(content: bytes) -> bool:
    """Return whether the onnx package reads the file, knows every field, and finds all data within it."""
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        return False
    # What it did not know it would write again; what it dropped or merged would be missing.
    known = onnx.ModelProto.FromString(content)
    known.DiscardUnknownFields()
    return (
        known.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)
        and len(model.SerializeToString()) == len(content)  # the one spelling of what it says
        and b"w.bin" not in b"".join(_locations(model))
    )


def _locations(model: onnx.ModelProto) -> Iterator[bytes]:
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        for tensor in graph.initializer:
            yield from (entry.value.encode() for entry in tensor.external_data)
        graphs += [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]


def _with_external(content: bytes, location: str) -> bytes:
    model = onnx.ModelProto.FromString(content)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model.SerializeToString()


def _damage(content: bytes, drawn: random.Random) -> bytes:
    """Change, insert, delete or repeat some bytes; lengthen a number, as another spelling of it."""
    out = bytearray(content)
    for _ in range(drawn.choice((1, 1, 2, 4))):
        at, size = drawn.randrange(len(out)), drawn.choice((1, 1, 2, 5, 30))
        kind = drawn.randrange(6)
        if kind == 0:
            out[at] ^= 1 << drawn.randrange(8)
        elif kind == 1:
            out[at] = drawn.randrange(256)
        elif kind == 2:
            out[at:at] = drawn.randbytes(size)
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            out[at:at] = out[at : at + size]
        elif out[at] < 0x80:
            out[at : at + 1] = (
                bytes([out[at] | 0x80]) + b"\x80" * drawn.randrange(4) + bytes([drawn.randrange(2) * 0x70])
            )
        if not out:
            return bytes(content[:10])
    return bytes(out)


@contextlib.contextmanager
def _watched(path: Path) -> Iterator[object]:
    """Make a file that must never be opened; gives a function that tells whether it was since it was last asked."""
    path.write_bytes(bytes(1 << 16))
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), "inotify")

    def was_opened() -> bool:
        try:
            return bool(os.read(descriptor, 4096))
        except BlockingIOError:
            return False

    try:
        yield was_opened
    finally:
        os.close(descriptor)
