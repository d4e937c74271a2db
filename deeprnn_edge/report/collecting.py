"""Read what a report is made from: a bundle, and measurements that are of the very files in it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from deeprnn_edge.bench.result_file import LEAST, MOST, Reading, read_report
from deeprnn_edge.bench.results import BenchReport, Report, StreamBenchReport
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.errors import InputError
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.inspection.record import Inspection

_MEASURE = "measure again with: deeprnn-edge bench BUNDLE -o FILE.json"
_RANGE = f"expected one from {LEAST:g} to {MOST:g}"
READING = Reading(
    unreadable="{path} cannot be read: {why}",
    not_json=f"{{path}} is not JSON ({{why}}); {_MEASURE}",
    no_report=f"{{path}} is no report of a benchmark; {_MEASURE}",
    version="{path} has format_version {version}, this release reads {expected}; "
    "measure again with this release, or make the report with the one that wrote it",
    out_of_range=f"{{path}}: {{name}} is {{value}}, {_RANGE}; {_MEASURE}",
    skips_unknown=True,
)

R = TypeVar("R", BenchReport, StreamBenchReport)


@dataclass(frozen=True)
class Bench(Generic[R]):
    """Hold a measurement, the file that it came from, and the letter that the page calls it by."""

    key: str
    path: Path
    report: R

    @property
    def steps(self) -> int | None:
        """Return the time steps of a sequence, or of the window that a stream does not run again."""
        return self.report.options.length if isinstance(self.report, BenchReport) else self.report.options.window

    @property
    def device(self) -> str:
        """Return the board, else the processor: what tells one device from another."""
        return self.machine_text("board") or self.machine_text("cpu", "model") or "unnamed machine"

    @property
    def threads(self) -> str:
        """Return how many threads a call had: ``1 thread``."""
        count = self.report.options.threads
        return f"{count} thread{'s' if count > 1 else ''}"

    @property
    def label(self) -> str:
        """Return the letter, the device and how it was measured, in one line."""
        length = self.report.options.length if isinstance(self.report, BenchReport) else None
        steps = "" if length is None else f", {length} steps"
        return f"{self.key}: {self.device}, batch {self.report.options.batch}{steps}, {self.threads}"

    def machine_text(self, *keys: str) -> str | None:
        """Return a text out of what the machine says of itself; None where it is not there."""
        found: Any = self.report.machine
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True)
class ReportData:
    """Hold all that a report shows.

    Attributes:
        benches: measurements of whole sequences.
        streams: measurements of streams.
    """

    bundle: Path
    manifest: Manifest
    inspection: Inspection
    benches: tuple[Bench[BenchReport], ...]
    streams: tuple[Bench[StreamBenchReport], ...]


def collect(bundle: Path, benches: Sequence[Path] = ()) -> ReportData:
    """Read a bundle and the JSON files of its benchmarks.

    Raises:
        BundleError: for a damaged bundle, and for a JSON that is no benchmark.
        InputError: for a benchmark of another model or of other files than the bundle's, or that is given twice.
    """
    manifest = open_bundle(bundle).manifest
    inspection = inspect_path(bundle)
    seen: set[Path] = set()
    whole: list[Bench[BenchReport]] = []
    streams: list[Bench[StreamBenchReport]] = []
    for number, path in enumerate(benches):
        if path.resolve() in seen:
            raise InputError(f"benches={str(path)!r} is given twice; give each file once")
        seen.add(path.resolve())
        report = read_report(path, READING)
        _check_match(path, report, manifest, bundle)
        if isinstance(report, BenchReport):
            whole.append(Bench(_key(number), path, report))
        else:
            streams.append(Bench(_key(number), path, report))
    return ReportData(bundle, manifest, inspection, tuple(whole), tuple(streams))


def accuracy_of(artifact: Artifact) -> float | None:
    """Return an artifact's accuracy, from 0 to 1, where it was evaluated."""
    return artifact.evaluation.accuracy if artifact.evaluation else artifact.accuracy


def _key(number: int) -> str:
    """Return the letter of a measurement: A to Z, then A2 and on."""
    again, letter = divmod(number, len(string.ascii_uppercase))
    return string.ascii_uppercase[letter] + (str(again + 1) if again else "")


def _check_match(path: Path, report: Report, manifest: Manifest, bundle: Path) -> None:
    again = f"give the JSON of: deeprnn-edge bench {bundle} -o FILE.json"
    if report.name != manifest.name:
        raise InputError(f"{path} measures the model {report.name!r}, and {bundle} holds {manifest.name!r}; {again}")
    sizes = {artifact.path: artifact.size_bytes for artifact in manifest.artifacts}
    for result in report.rows:
        if result.format == "keras":
            continue
        if result.name not in sizes:
            raise InputError(f"{path} measures {result.name}, and {bundle} has {', '.join(sizes)}; {again}")
        if result.size_bytes != sizes[result.name]:
            raise InputError(
                f"{path} measures a {result.name} of {result.size_bytes:,} bytes, and that of {bundle} has "
                f"{sizes[result.name]:,}: it is of another export; {again}"
            )
