"""What ``bench -o`` wrote, read back: the fields that a report shows, checked; others are left."""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.strict_json import decode

FORMAT_VERSION = 1
# What any clock, file or batch gives; beyond, an axis of a chart has no room.
_LEAST, _MOST = 1e-9, 1e15
_MEASURE = "measure again with: deeprnn-edge bench BUNDLE -o FILE.json"


@dataclass(frozen=True)
class Times:
    """The latency of one call in milliseconds, by percentile, over ``runs`` calls. noisy: the machine was busy."""

    runs: int
    min_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    rows_per_second: float
    noisy: bool = False


@dataclass(frozen=True)
class Start:
    """A start in a fresh process. resident_added_bytes: the memory that it took; None where that is unknown."""

    load_ms: float
    first_call_ms: float
    resident_added_bytes: int | None = None


@dataclass(frozen=True)
class Row:
    """One file that was measured. ``timing`` is None where it was not, and ``problem`` says why."""

    name: str
    format: str
    size_bytes: int
    status: Literal["ok", "differs", "skipped"]
    precision: str | None = None
    problem: str | None = None
    start: Start | None = None
    timing: Times | None = None


@dataclass(frozen=True)
class Push:
    """Pushes of ``chunk`` steps: ``timing`` of one, ``step_us`` the median by its steps, in microseconds."""

    chunk: int
    timing: Times | None = None
    step_us: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Window:
    """The whole window run again, by the file ``name``."""

    name: str | None = None
    timing: Times | None = None


@dataclass(frozen=True)
class StreamRow:
    """One stream that was measured. state_bytes: what it remembers of one row."""

    name: str
    format: str
    size_bytes: int
    state_bytes: int
    status: Literal["ok", "differs", "skipped"]
    window: Window
    pushes: tuple[Push, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Options:
    """How it was measured. length: time steps of whole sequences; window: those that a stream does not run again."""

    batch: int
    threads: int
    length: int | None = None
    window: int | None = None


@dataclass(frozen=True)
class Measurement:
    """One benchmark.

    path: the JSON it came from.
    machine: as it describes itself, unchecked.
    rows: of whole sequences; ``streams`` of streams. One of the two is empty.
    """

    path: Path
    name: str
    options: Options
    machine: dict[str, Any]
    rows: tuple[Row, ...] = ()
    streams: tuple[StreamRow, ...] = ()


def read_measurement(path: Path) -> Measurement:
    """Read the JSON of ``bench`` or of ``bench --stream``. Raises InputError that says what is wrong with it."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}); {_MEASURE}") from error
    if not isinstance(raw, dict) or not {"format_version", "name", "options", "rows", "machine"} <= raw.keys():
        raise InputError(f"{path} is no report of a benchmark; {_MEASURE}")
    version = raw["format_version"]
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise InputError(
            f"{path} has format_version {version!r}, this release reads {FORMAT_VERSION}; "
            "measure again with this release, or make the report with the one that wrote it"
        )
    rows, machine = raw["rows"], raw["machine"]
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path} has no rows, expected one for each file that was measured; {_MEASURE}")
    if not isinstance(machine, dict):
        raise InputError(f"{path}: machine is {machine!r}, expected an object; {_MEASURE}")
    streamed = isinstance(rows[0], dict) and "pushes" in rows[0]
    row_kind: Any = StreamRow if streamed else Row
    measurement = Measurement(
        path=path,
        name=_decode(str, raw["name"], f"{path}: name"),
        options=_decode(Options, raw["options"], f"{path}: options"),
        machine=machine,
        **{"streams" if streamed else "rows": _decode(tuple[row_kind, ...], rows, f"{path}: rows")},
    )
    _check_numbers(measurement)
    return measurement


def describe_machine(measurement: Measurement) -> str:
    """The board, else the processor: what tells one device from another."""
    return machine_text(measurement, "board") or machine_text(measurement, "cpu", "model") or "unnamed machine"


def machine_text(measurement: Measurement, *keys: str) -> str | None:
    """A text out of what the machine says of itself; None where it is not there."""
    found: Any = measurement.machine
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _decode(kind: Any, raw: Any, where: str) -> Any:
    try:
        return decode(kind, _known(kind, raw), where)
    except InputError as error:
        raise InputError(f"{error}; {_MEASURE}") from error


def _known(kind: Any, raw: Any) -> Any:
    """The value without the fields that ``kind`` does not have, which a later bench may add."""
    if dataclasses.is_dataclass(kind) and isinstance(raw, dict):
        hints = typing.get_type_hints(kind)
        return {name: _known(hints[name], value) for name, value in raw.items() if name in hints}
    inner = [one for one in typing.get_args(kind) if one is not Ellipsis and one is not type(None)]
    if isinstance(raw, list) and typing.get_origin(kind) is tuple:
        return [_known(inner[0], value) for value in raw]
    return _known(inner[0], raw) if len(inner) == 1 and isinstance(raw, dict) else raw


def _check_numbers(measurement: Measurement) -> None:
    """Raise for times and sizes that no clock and no file gives: they are drawn on logarithmic axes."""
    rows: tuple[Row | StreamRow, ...] = (*measurement.rows, *measurement.streams)
    pushes = [one for row in measurement.streams for one in row.pushes]
    timed: list[Row | Push | Window] = [*measurement.rows, *pushes, *(row.window for row in measurement.streams)]
    values = {"batch": measurement.options.batch, "length": measurement.options.length}
    groups: list[dict[str, Any]] = [dataclasses.asdict(one.timing) for one in timed if one.timing]
    groups += [{"size_bytes": row.size_bytes} for row in rows]
    groups += [{"chunk": one.chunk, "step_us": one.step_us} for one in pushes]
    for name, value in (item for group in (values, *groups) for item in group.items()):
        if value is not None and not isinstance(value, bool) and not _LEAST <= value <= _MOST:
            raise InputError(
                f"{measurement.path}: {name} is {value!r}, expected one from {_LEAST:g} to {_MOST:g}; {_MEASURE}"
            )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which no JSON has")
