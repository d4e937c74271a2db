"""Write a benchmark as JSON and read it back: the one reader of everything that ``bench -o`` wrote."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bench.results import BenchReport, BenchResult, PushResult, Report, StreamBenchReport
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files import limits
from deeprnn_edge.files.strict_json import decode, parse, show

FORMAT_VERSION = 1
# What any clock, file or batch gives; beyond, an axis of a chart has no room.
LEAST, MOST = 1e-9, 1e15
_TIMES = ("min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "mean_ms", "rows_per_second", "runs")
_BLOCKS = ("block_p50_ms", "block_p95_ms", "block_mean_ms")


@dataclass(frozen=True)
class Reading:
    """Say how a command takes a file: its words for each way to be unusable, with places for what is in the way.

    Attributes:
        unreadable, not_json: the file; with ``why``.
        no_report: JSON of something else.
        version: another format version; with ``version``.
        out_of_range: a time or a size that no clock and no file gives; with ``name`` and ``value``.
        skips_unknown: leave out fields that a later release may have added; else they are refused.
    """

    unreadable: str
    not_json: str
    no_report: str
    version: str
    out_of_range: str
    skips_unknown: bool = False


def to_json(report: Report, *, comparison: Mapping[str, Any] | None = None) -> str:
    """Return the report as JSON text, with ``format_version``.

    Args:
        report: of whole sequences or of streams.
        comparison: that with an earlier report, ready for JSON, under a key of that name.
    """
    values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}
    if comparison is not None:
        values["comparison"] = comparison
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_report(path: Path, reading: Reading) -> Report:
    """Read what ``bench --output`` or ``bench --json`` wrote.

    Args:
        path: of the file.
        reading: what the errors say.

    Raises:
        InputError: where the file cannot be read.
        BundleError: where it is no report of this format version, or holds times that no call takes.
    """
    try:
        with path.open("rb") as file:  # a pipe as well, whose size is not known before
            content = file.read(limits.REPORT_BYTES + 1)
        if len(content) > limits.REPORT_BYTES:
            raise ValueError(f"it has more than {limits.REPORT_BYTES:,} bytes")
        raw = parse(content.decode("utf-8"))
    except OSError as error:
        raise InputError(reading.unreadable.format(path=path, why=error.strerror or error)) from error
    except ValueError as error:
        raise BundleError(reading.not_json.format(path=path, why=error)) from error
    if not isinstance(raw, dict) or not {"format_version", "options", "rows", "machine"} <= raw.keys():
        raise BundleError(reading.no_report.format(path=path))
    if raw["format_version"] != FORMAT_VERSION or isinstance(raw["format_version"], bool):
        raise BundleError(
            reading.version.format(path=path, version=show(raw["format_version"]), expected=FORMAT_VERSION)
        )
    if not isinstance(raw["rows"], list) or not raw["rows"]:
        raise BundleError(f"{path} has no rows: rows is {show(raw['rows'])}, expected one for each file")
    if not isinstance(raw["machine"], dict):
        raise BundleError(f"{path}: machine is {show(raw['machine'])}, expected an object")
    del raw["format_version"]
    raw.pop("comparison", None)  # of that report with one still older
    kind: Any = BenchReport if "inputs" in raw else StreamBenchReport
    report: Report = decode(kind, _known(kind, raw) if reading.skips_unknown else raw, str(path))
    for name, value in _numbers(report):
        if value is not None and not LEAST <= value <= MOST:
            raise BundleError(reading.out_of_range.format(path=path, name=name, value=show(value)))
    return report


def timings_of(report: Report) -> Iterator[tuple[str, str | None, Timing]]:
    """Yield what was timed, the artifact that it was (None for Keras), and the times."""
    for result in report.rows:
        if isinstance(result, BenchResult):
            if result.timing is not None:
                yield result.name, None if result.format == "keras" else result.name, result.timing
        else:
            for push in result.pushes:
                if push.timing is not None:
                    yield f"{result.name} by {push.chunk}", result.name, push.timing


def _known(kind: Any, raw: Any) -> Any:
    """Drop the fields that ``kind`` does not have."""
    if dataclasses.is_dataclass(kind) and isinstance(raw, dict):
        hints = typing.get_type_hints(kind)
        return {name: _known(hints[name], value) for name, value in raw.items() if name in hints}
    inner = [one for one in typing.get_args(kind) if one is not Ellipsis and one is not type(None)]
    if isinstance(raw, list) and typing.get_origin(kind) is tuple:
        return [_known(inner[0], value) for value in raw]
    return _known(inner[0], raw) if len(inner) == 1 and isinstance(raw, dict) else raw


def _numbers(report: Report) -> Iterator[tuple[str, float | None]]:
    """Yield what has to lie within LEAST and MOST: it is divided by, and drawn on logarithmic axes."""
    yield "batch", report.options.batch
    windows: list[Timing | None] = []
    if isinstance(report, BenchReport):
        yield "length", report.options.length
    else:
        windows = [result.window.timing for result in report.rows]
        pushes: list[PushResult] = [push for result in report.rows for push in result.pushes]
        for push in pushes:
            yield from (("chunk", push.chunk), ("step_us", push.step_us))
    for result in report.rows:
        yield "size_bytes", result.size_bytes
    for timing in (*(timing for _, _, timing in timings_of(report)), *filter(None, windows)):
        yield from ((name, getattr(timing, name)) for name in _TIMES)
        yield from ((name, value) for name in _BLOCKS for value in getattr(timing, name))
