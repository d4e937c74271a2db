"""Read what a C artifact says of itself: one line of JSON in a comment at its beginning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits
from deeprnn_edge.files.strict_json import decode, parse

_BEGIN, _END = b"/* deeprnn-edge: ", b" */"
_LONGEST = 1 << 20  # bytes; that of a usual network has 1,000
_VERSION = 1


@dataclass(frozen=True)
class Port:
    """Describe one input or output.

    Attributes:
        name: as the manifest has it.
        dtype: the manifest's, numpy's name of it.
        shape: the manifest's, with the names of free axes.
        kind: what the C function takes: ``ids`` (int32), ``bytes`` or ``floats``.
        axes: sizes without the batch; None is the number of time steps.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    kind: Literal["ids", "bytes", "floats"]
    axes: tuple[int | None, ...]


@dataclass(frozen=True)
class StatePlace:
    """Say where a state lies among the floats of a stream's states."""

    offset: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return its floats."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Description:
    """Describe a C artifact.

    Attributes:
        version: of the description.
        prefix: what its names begin with.
        states: of a stream, in the order of the manifest's.
        state_floats: of all states of one row.
        streams: whether it goes on from states; else it needs memory for a whole sequence.
        work: floats of that memory, as a polynomial of the steps.
        weights_bytes: of its constants in memory.
        operations: kind to count.
    """

    version: int
    prefix: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[StatePlace, ...]
    state_floats: int
    streams: bool
    work: tuple[int, ...]
    weights_bytes: int
    operations: Mapping[str, int]


def read_description(content: bytes, path: str) -> Description:
    """Read the description of a C artifact.

    Raises:
        BundleError: where there is none, or one that cannot be.
    """
    begin = content.find(_BEGIN, 0, _LONGEST)
    end = content.find(_END, begin, begin + _LONGEST)
    if begin < 0 or end < 0:
        raise BundleError(f"{path} is no C source of deeprnn-edge: its description is missing; export the model again")
    try:
        raw = parse(content[begin + len(_BEGIN) : end])
    except ValueError as error:
        raise BundleError(f"{path}: its description is not JSON: {error}; export the model again") from error
    found: Description = decode(Description, raw, f"{path}: description")
    if found.version != _VERSION:
        raise BundleError(f"{path}: its description is of version {found.version}, and this release reads {_VERSION}")
    axes = [size for port in (*found.inputs, *found.outputs) for size in port.axes if size is not None]
    inside = all(one.offset >= 0 and one.offset + one.size <= found.state_floats for one in found.states)
    numbers = [*axes, *found.work, found.state_floats, *[size for one in found.states for size in one.shape]]
    if not inside or len(found.work) != 3 or not all(0 <= number <= limits.ROW_ELEMENTS for number in numbers):
        raise BundleError(f"{path}: its description has sizes that cannot be; export the model again")
    return found
