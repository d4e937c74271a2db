"""Read an ONNX file whole, or refuse it: what is given to ONNX Runtime holds nothing that was not read here.

Two readers of the same bytes may disagree: one keeps the last of two fields and one the first, one drops bits of a tag
that another keeps. So this one takes a single spelling of each message, that which ONNX's own writers use, and refuses
the others: fields that it does not know, numbers longer than they need be, wrong wire types, groups, a singular field
that comes twice, nesting beyond that of protobuf's own readers. A file that takes a tensor from elsewhere, from a file
beside it or from the process's memory, is refused by the tensor's name: a bundle is loaded from memory, where ONNX
Runtime resolves such a path against the working directory.
"""

from __future__ import annotations

import re

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.protobuf import BYTES, FIXED32, FIXED64, VARINT, WireError
from deeprnn_edge.runtimes.onnx.schema import ENUMERATIONS, MESSAGES, ONE_OF, Field

# Protobuf's readers refuse deeper nesting (CodedInputStream's default).
LARGEST_DEPTH = 100
# A seed model has about 400 fields, a recurrence of 1,000 steps written out some 300,000. Each costs a microsecond.
MOST_FIELDS = 1_000_000
_WIRE_TYPES = {"float": FIXED32, "double": FIXED64}
_WIRE_TYPES |= dict.fromkeys(("int64", "uint64", "int32", *ENUMERATIONS), VARINT)
# Eleven bytes that all go on, or a last byte that does: no sequence of varints.
_NO_VARINTS = re.compile(rb"[\x80-\xff]{10}|[\x80-\xff]\Z")


def read_strictly(content: bytes, path: str) -> None:
    """Read every message of an ONNX file.

    Args:
        content: the file's bytes.
        path: its name, for messages.

    Raises:
        BundleError: for bytes that are no ONNX model in its one spelling, and for a tensor whose data is elsewhere,
            which it names.
    """
    try:
        outside = _read(content)
    except WireError as error:
        raise BundleError(
            f"{path} is not an ONNX model ({error}); "
            "the file is truncated or of another format: copy or export it again"
        ) from error
    if outside is not None:
        raise BundleError(
            f"{path}: the tensor {outside!r} takes its data from outside of the file, which a bundle never does; "
            "export the model again"
        )


def _read(content: bytes) -> str | None:
    """Return the name of a tensor whose data is elsewhere; None where all data is in the file."""
    # A list of what is left to read, not recursion: the nesting of a made-up file has no bound.
    pending = [("ModelProto", 0, len(content), 1)]
    count, outside = 0, None
    while pending:
        kind, position, end, depth = pending.pop()
        if depth > LARGEST_DEPTH:
            raise WireError(f"its messages are nested more than {LARGEST_DEPTH} deep")
        known, one_of = MESSAGES[kind], ONE_OF.get(kind)
        seen: set[int] = set()
        is_tensor, external, name = kind == "TensorProto", False, b""
        while position < end:
            tag, position = _read_number(content, position, end)
            number, wire_type = tag >> 3, tag & 7
            field = known.get(number)
            if field is None:
                raise WireError(f"a {kind} has the field {number}, which is none that ONNX knows")
            if not field.repeated:
                slot = -1 if one_of is not None and number in one_of else number
                if slot in seen:
                    raise WireError(f"the field {number} of a {kind} comes twice")
                seen.add(slot)
            value, start, position = _read_value(content, position, end, wire_type, field)
            if field.kind in MESSAGES:
                pending.append((field.kind, start, position, depth + 1))
            elif is_tensor and number == 8:
                name = content[start:position]
            # TensorProto: external_data = 13, data_location = 14, which is 0 where the data is in the file
            external |= is_tensor and (number == 13 or (number == 14 and value != 0))
            count += 1
            if count > MOST_FIELDS:
                raise WireError(f"it has more than {MOST_FIELDS:,} fields")
        if external:
            outside = name.decode("utf-8")
    return outside


def _read_value(content: bytes, position: int, end: int, wire_type: int, field: Field) -> tuple[int, int, int]:
    """Read a field's value: a number and its end, or the start and the end of its bytes."""
    expected = _WIRE_TYPES.get(field.kind, BYTES)
    if wire_type != (BYTES if field.packed else expected):
        raise WireError(f"a field of {field.kind} has the wire type {wire_type}")
    if wire_type == VARINT:
        value, position = _read_number(content, position, end)
        if field.kind == "int32" and 1 << 31 <= value < (1 << 64) - (1 << 31):
            raise WireError(f"a field of int32 is {value}")
        if field.kind in ENUMERATIONS and value not in ENUMERATIONS[field.kind]:
            raise WireError(f"a field of {field.kind} is {value}")
        return value, position, position
    if wire_type == BYTES:
        size_bytes, position = _read_number(content, position, end)
    else:
        size_bytes = 4 if wire_type == FIXED32 else 8
    stop = position + size_bytes
    if stop > end:
        raise WireError("a field is longer than the bytes that are there")
    if field.kind == "text" and not content[position:stop].isascii():
        _check_text(content[position:stop])
    elif field.packed:
        _check_packed(content[position:stop], expected)
    return 0, position, stop


def _read_number(content: bytes, position: int, end: int) -> tuple[int, int]:
    """Read a varint in as few bytes as it needs, and the position behind it."""
    value = shift = 0
    while position < end:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (shift and not byte) or value >> 64:
                raise WireError("a number is longer than it need be")
            return value, position
        shift += 7
        if shift > 63:
            raise WireError("a number is longer than ten bytes")
    raise WireError("the bytes end within a number")


def _check_packed(numbers: bytes, expected: int) -> None:
    """Refuse packed numbers that end early."""
    if expected == VARINT:
        broken = _NO_VARINTS.search(numbers) is not None
    else:
        broken = len(numbers) % (4 if expected == FIXED32 else 8) != 0
    if broken:
        raise WireError("packed numbers end within one")


def _check_text(text: bytes) -> None:
    """Refuse a name that is no UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a name is no UTF-8 text") from error
