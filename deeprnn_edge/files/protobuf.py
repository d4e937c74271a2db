"""Read the fields of one protobuf message in the wire format, without the protobuf package.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

# The largest networks have tens of thousands of nodes; going through millions of fields of two bytes takes minutes.
MOST_FIELDS = 200_000

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Say that the bytes are no protobuf message."""


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Read each field of a message.

    Groups (wire types 3 and 4), which protobuf deprecates and ONNX never had, count as broken.

    Yields:
        ``(number, wire type, value)``: an unsigned int for VARINT, else the field's bytes.

    Raises:
        WireError: where the bytes end early or break the format, and for more than ``MOST_FIELDS``.
    """
    position, end, left = 0, len(message), MOST_FIELDS
    while position < end:
        left -= 1
        if left < 0:
            raise WireError(f"a message has more than {MOST_FIELDS:,} fields")
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError("a field has the number 0")
        if wire_type == VARINT:
            value, position = _varint(message, position)
            yield number, wire_type, value
            continue
        if wire_type == BYTES:
            size, position = _varint(message, position)
        elif wire_type in (FIXED32, FIXED64):
            size = 4 if wire_type == FIXED32 else 8
        else:
            raise WireError(f"a field has the wire type {wire_type}")
        if size > end - position:
            raise WireError("a field is longer than the bytes that are there")
        yield number, wire_type, message[position : position + size]
        position += size


def varints(packed: memoryview) -> list[int]:
    """Return the unsigned ints of a packed repeated field."""
    values, position = [], 0
    while position < len(packed):
        value, position = _varint(packed, position)
        values.append(value)
    return values


def signed(value: int) -> int:
    """Return an int64 from its varint, which holds it in two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the varint at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise WireError("the bytes end within a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
    raise WireError("a number is longer than ten bytes")
