"""Damaged and made-up variants of real bundles' files, drawn from a source of random numbers.

Each mutator takes ``random.Random``, or what hypothesis gives in its place, and a seed file's content.
"""

from __future__ import annotations

import copy
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from deeprnn_edge.files.zip_writer import zip_files

Mutator = Callable[[Random, bytes], bytes]

NAMES = [
    "", ".", "..", "/", "../outside.txt", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "..\\outside.txt",
    "C:x", "C:\\x", "//host/share", "model.onnx\0.txt", "\0", "\x1b[31m", "x" * 300, "é" * 200, "\ud800", "CON",
    "manifest.json", "golden.npz", "model.onnx", "MODEL.ONNX", "vocabulary.txt", "link", "outside.txt",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 7, 127, 128, 255, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1]
VALUES: list[Any] = [
    None, True, False, "", "text", "batch", "time", "object", "float32", [], {}, [[]], [None], {"": None}, -0.0, 1e308,
    1e-320, 10**20, 10**400, float("nan"), float("inf"), *NAMES, *NUMBERS,
]  # fmt: skip
_FLAGS = [0, 1, 8, 32, 64, 0x800, 0x2000]
_OFFSETS = [0, 1, 2, 40, 255, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000]
_METHODS = [0, 1, 8, 9, 12, 14, 93, 99]
_ATTRIBUTES = [0o120777 << 16, 0o040755 << 16, 0o010644 << 16, 0o100644 << 16, 0x10, 0]
# Field offsets and struct formats: PKWARE's APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16.
_RECORDS: dict[bytes, list[tuple[int, str, list[int]]]] = {
    b"PK\3\4": [(6, "H", _FLAGS), (8, "H", _METHODS), (18, "I", NUMBERS), (22, "I", NUMBERS), (26, "H", NUMBERS)],
    b"PK\1\2": [
        (8, "H", _FLAGS), (10, "H", _METHODS), (16, "I", NUMBERS), (20, "I", NUMBERS), (24, "I", NUMBERS),
        (28, "H", NUMBERS), (30, "H", NUMBERS), (38, "I", _ATTRIBUTES), (42, "I", NUMBERS),
    ],
    b"PK\5\6": [(8, "H", NUMBERS), (10, "H", NUMBERS), (12, "I", NUMBERS), (16, "I", NUMBERS), (20, "H", NUMBERS)],
}  # fmt: skip


def mutate_bytes(random: Random, content: bytes) -> bytes:
    """One to four changes of bytes: changed, cut out, put in, doubled, or the end cut off."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(changed))
        stop = min(len(changed), start + random.randint(1, 40))
        what = random.randint(0, 5)
        if what == 0 and start < len(changed):
            changed[start] = random.randint(0, 255)
        elif what == 1:
            del changed[start:stop]
        elif what == 2:
            changed[start:start] = bytes(random.randint(0, 255) for _ in range(random.randint(1, 8)))
        elif what == 3:
            changed[start:start] = changed[start:stop]
        elif what == 4:
            changed[start : start + 8] = struct.pack("<Q", random.choice(NUMBERS) % 2**64)
        else:
            del changed[start:]
    return bytes(changed)


def mutate_model(random: Random, content: bytes) -> bytes:
    """A model file with bits, offsets, sizes or numbers changed, mostly where its structure stands: at both ends."""
    changed = bytearray(content)
    what = random.choice(["flip", "flip", "offset", "offset", "cut", "zero", "swap", "number"])
    if what == "cut":
        del changed[random.randrange(8, len(changed)) :]
    for _ in range(random.choice([1, 1, 2, 5])):
        end = random.choice([min(len(changed), 3000), len(changed), len(changed)])
        at = random.randrange(max(0, end - 9000) if random.random() < 0.6 else 0, end)
        if what in ("flip", "cut"):
            changed[at] ^= 1 << random.randrange(8)
        elif what == "offset":
            _put(changed, at & ~3, struct.pack("<I", random.choice([*_OFFSETS, len(content), random.randrange(2**32)])))
        elif what == "number":
            _put(changed, at, struct.pack("<q", random.choice([-1, 2**62, -(2**63), 10**9])))
        elif what == "zero":
            _put(changed, at, bytes(16))
        else:
            other = random.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
    return bytes(changed)


def _put(content: bytearray, at: int, piece: bytes) -> None:
    """Overwrite some bytes, as many as there are."""
    content[at : at + len(piece)] = piece[: max(0, len(content) - at)]


def mutate_json(random: Random, content: bytes) -> bytes:
    """One to three values of a JSON text replaced, taken away, added, doubled or nested deep; rarely a name twice."""
    tree = json.loads(content)
    for _ in range(random.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            break
        parent, key = random.choice(places)
        what = random.randint(0, 6)
        if what <= 2:
            parent[key] = copy.deepcopy(random.choice(VALUES))
        elif what == 3:
            del parent[key]
        elif what == 4:
            other, name = random.choice(places)
            parent[key] = copy.deepcopy(other[name])
        elif what == 5 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        elif isinstance(parent, dict):
            parent[str(random.choice(NAMES))] = copy.deepcopy(random.choice(VALUES))
        if not tree:
            break
    text = json.dumps(tree)
    if random.randint(0, 40) == 0:
        depth = random.choice([10, 900, 5_000, 100_000])
        text = text.replace("null", "[" * depth + "]" * depth, 1)
    if random.randint(0, 40) == 0:
        text = text.replace("1", "1" * random.choice([30, 400, 5_000, 100_000]), 1)
    if random.randint(0, 40) == 0:
        text = text.replace('"name":', '"name": 1, "name":', 1)
    return text.encode("utf-8")


def mutate_words(random: Random, content: bytes) -> bytes:
    """A list of words with lines doubled, emptied or left out, and with what other readers take for line ends."""
    lines = content.split(b"\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        lines[at : at + 1] = random.choice(
            [
                [],
                [lines[at]] * 2,
                [b""],
                [lines[at] + b"\r"],
                [b"\xff\xfe"],
                ["\u2028\x85\ufeff".encode()],
                [b"\0\x1b[31m"],
            ]
        )
        if not lines:
            break
    return random.choice([b"\n", b"\n", b"\n", b"\r\n", b"\r", b""]).join(lines)


def mutate_zip(random: Random, content: bytes) -> bytes:
    """A zip with entries renamed, doubled, taken away or changed, and with fields of its records overwritten."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    what = random.randint(0, 5)
    index = random.randrange(len(entries))
    name, data = entries[index]
    if what == 0:
        entries[index] = random.choice(NAMES).encode("utf-8", "replace").decode(), data
    elif what == 1:
        entries.append((name, mutate_bytes(random, data)))
    elif what == 2:
        del entries[index]
    elif what == 3:
        entries[index] = name, mutate_npy(random, data) if name.endswith(".npy") else mutate_bytes(random, data)
    elif what == 4:
        entries.append((random.choice(NAMES).encode("utf-8", "replace").decode(), data))
    changed = bytearray(
        write_zip(entries, random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
    )
    for _ in range(random.randint(0, 3)):
        _overwrite_field(random, changed)
    return mutate_bytes(random, bytes(changed)) if random.randint(0, 9) == 0 else bytes(changed)


def mutate_npy(random: Random, content: bytes) -> bytes:
    """An array with another header: dtype, order, shape, length or version."""
    header = random.choice(
        [
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (), }",
            "{'descr': '<U9999999', 'fortran_order': False, 'shape': (3,), }",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
            f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1, ' * 60}), }}",
            f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({random.choice(NUMBERS)}, 0), }}",
            f"{{'descr': '<f4', 'fortran_order': False, 'shape': (-1, {random.choice(NUMBERS)}), }}",
            f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({random.choice(NUMBERS)},), }}",
            "(" * 500,
            "__import__('os')",
        ]
    )
    version = random.choice([b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\xff\xff"])
    raw = header.encode() + b"\n"
    size = len(raw) if random.randint(0, 3) else random.choice(NUMBERS) % 65536
    return b"\x93NUMPY" + version + struct.pack("<H", size) + raw + content[128:]


def write_zip(entries: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these entries with their names as they are, also where zipfile itself would not write such."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            entry.filename = name  # the constructor cuts it at a NUL
            entry.compress_type = method
            archive.NameToInfo.pop(name, None)  # zipfile warns of a name that is there already
            archive.writestr(entry, data)
    return content.getvalue()


def either(*mutators: Mutator) -> Mutator:
    """One of several mutators, each as likely."""
    return lambda random, content: random.choice(mutators)(random, content)


def pack(files: dict[str, bytes]) -> bytes:
    """A bundle's files as the zip that the workshop writes."""
    return zip_files(files)


def _places(tree: Any) -> Any:
    """Each value of a JSON tree as its container and its key."""
    for key, value in list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _overwrite_field(random: Random, content: bytearray) -> None:
    signature = random.choice(list(_RECORDS))
    starts = [found.start() for found in re.finditer(re.escape(signature), content)]
    if not starts:
        return
    start = random.choice(starts)
    offset, kind, values = random.choice(_RECORDS[signature])
    width = struct.calcsize(kind)
    content[start + offset : start + offset + width] = (random.choice(values) % 2 ** (8 * width)).to_bytes(
        width, "little"
    )
