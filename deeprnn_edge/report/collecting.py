"""What a report is made from: a bundle, and measurements that are of the very files in it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.manifest import Artifact, Manifest
from deeprnn_edge.errors import InputError
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.inspection.record import Inspection
from deeprnn_edge.report.measurements import Measurement, Row, StreamRow, describe_machine, read_measurement


@dataclass(frozen=True)
class Bench:
    """A measurement and the letter that the page calls it by."""

    key: str
    measurement: Measurement

    @property
    def label(self) -> str:
        """The letter, the device and how it was measured, in one line."""
        options = self.measurement.options
        parts = [f"{self.key}: {describe_machine(self.measurement)}", f"batch {options.batch}"]
        if options.length is not None:
            parts.append(f"{options.length} steps")
        return ", ".join([*parts, f"{options.threads} thread{'s' if options.threads > 1 else ''}"])


@dataclass(frozen=True)
class ReportData:
    """All that a report shows.

    benches: measurements of whole sequences; ``streams`` those of streams.
    """

    bundle: Path
    manifest: Manifest
    inspection: Inspection
    benches: tuple[Bench, ...]
    streams: tuple[Bench, ...]


def collect(bundle: Path, benches: Sequence[Path] = ()) -> ReportData:
    """Read a bundle and the JSON files of its benchmarks.

    Raises BundleError for a damaged bundle, InputError for a JSON that is no benchmark, of another model or of
    other files than the bundle's, or that is given twice.
    """
    manifest = open_bundle(bundle).manifest
    inspection = inspect_path(bundle)
    seen: set[Path] = set()
    read = []
    for number, path in enumerate(benches):
        if path.resolve() in seen:
            raise InputError(f"--bench {path} is given twice; give each file once")
        seen.add(path.resolve())
        measurement = read_measurement(path)
        _check_match(measurement, manifest, bundle)
        read.append(Bench(_key(number), measurement))
    return ReportData(
        bundle=bundle,
        manifest=manifest,
        inspection=inspection,
        benches=tuple(one for one in read if one.measurement.rows),
        streams=tuple(one for one in read if one.measurement.streams),
    )


def accuracy_of(artifact: Artifact) -> float | None:
    """An artifact's accuracy, from 0 to 1, where it was evaluated."""
    return artifact.evaluation.accuracy if artifact.evaluation else artifact.accuracy


def _key(number: int) -> str:
    """A to Z, then A2 and on."""
    again, letter = divmod(number, len(string.ascii_uppercase))
    return string.ascii_uppercase[letter] + (str(again + 1) if again else "")


def _check_match(measurement: Measurement, manifest: Manifest, bundle: Path) -> None:
    path = measurement.path
    again = f"give the JSON of: deeprnn-edge bench {bundle} -o FILE.json"
    if measurement.name != manifest.name:
        raise InputError(
            f"{path} measures the model {measurement.name!r}, and {bundle} holds {manifest.name!r}; {again}"
        )
    sizes = {artifact.path: artifact.size_bytes for artifact in manifest.artifacts}
    rows: tuple[Row | StreamRow, ...] = (*measurement.rows, *measurement.streams)
    for row in rows:
        if row.format == "keras":
            continue
        if row.name not in sizes:
            raise InputError(f"{path} measures {row.name}, and {bundle} has {', '.join(sizes)}; {again}")
        if row.size_bytes != sizes[row.name]:
            raise InputError(
                f"{path} measures a {row.name} of {row.size_bytes:,} bytes, and that of {bundle} has "
                f"{sizes[row.name]:,}: it is of another export; {again}"
            )
