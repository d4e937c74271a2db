"""Read one array of an npz: numbers alone, as numpy writes them, with nothing that is evaluated.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.limits import AXES

# A dict literal, which numpy reads by Python's parser. The writer's form is a fixed one, and a pattern reads that.
_HEADER = re.compile(
    rb"\{'descr': '([<|][biuf][0-9])', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,500})\), \} *\n"
)
_START = 10  # the magic, the version, and two bytes of the header's length
_MAGIC = b"\x93NUMPY\x01\x00"  # version 1.0: later ones are for records and for headers beyond 64 kB
_MOST_BYTES = (1 << 63) - 1
_DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"})


def decode_array(content: bytes, where: str) -> NDArray[Any]:
    """Read the array of an npy's content; its size is held against the bytes that are there before any is copied.

    Args:
        content: of the npy.
        where: what it is called in messages.

    Raises:
        BundleError: for another content, and for objects, records and text.
    """
    size = int.from_bytes(content[8:_START], "little")
    found = _HEADER.fullmatch(content[_START : _START + size]) if content.startswith(_MAGIC) else None
    if found is None:
        raise BundleError(f"{where} is no array of numbers; copy the bundle again")
    dtype = found[1].decode()
    if dtype not in _DTYPES:
        raise BundleError(f"{where} has the dtype {dtype}, expected one of {', '.join(sorted(_DTYPES))}")
    shape = _shape(found[3], where)
    expected, stored = math.prod(shape) * int(dtype[2]), len(content) - _START - size
    if stored != expected:
        raise BundleError(
            f"{where} has {stored:,} bytes, and its shape {shape} takes {expected:,}; copy the bundle again"
        )
    if math.prod(max(size, 1) for size in shape) * 8 > _MOST_BYTES:  # numpy counts the others beside a 0 too
        raise BundleError(f"{where} has the shape {shape}, which no array has")
    # A copy, so that it may be written to and is aligned.
    values = np.frombuffer(content, dtype, offset=_START + size).copy()
    return values.reshape(shape, order="F" if found[2] == b"True" else "C")


def _shape(text: bytes, where: str) -> tuple[int, ...]:
    sizes = [part.strip() for part in text.decode().split(",")]
    if sizes[-1] == "":
        sizes.pop()  # behind the last comma of `(3,)`, and of `()`
    # 18 digits: an int64, which numpy counts in.
    if len(sizes) > AXES or not all(size.isdecimal() and len(size) <= 18 for size in sizes):
        raise BundleError(f"{where} has the shape ({text.decode()[:80]}), which no array has")
    return tuple(map(int, sizes))
