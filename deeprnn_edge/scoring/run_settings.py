"""Keep what a folder of scores was made from beside them: by it a later run knows whether it goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.files.strict_json import decode
from deeprnn_edge.scoring.partitions import Source

SETTINGS = "_score.json"  # what reads a folder of Parquet files passes over names with an underscore ahead
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ModelIdentity:
    """Name the model that answers.

    Attributes:
        sha256: of the artifact, the vocabulary and what the manifest says of both.
    """

    name: str
    artifact: str
    sha256: str


@dataclass(frozen=True)
class RunSettings:
    """Hold all that the content of the scores depends on.

    Attributes:
        column: what the model reads.
        prefix: what the names of the answer columns begin with.
    """

    format_version: int
    model: ModelIdentity
    column: str
    prefix: str
    partition_rows: int
    inputs: tuple[Source, ...]

    def fingerprint(self) -> str:
        """Return a hash of them all, which each file of answers carries."""
        return hashlib.sha256(_encode(self).encode("utf-8")).hexdigest()


def write_settings(folder: Path, settings: RunSettings) -> None:
    """Write the settings into a folder.

    Raises:
        InputError: where that fails.
    """
    write_output(folder / SETTINGS, _encode(settings))


def read_settings(folder: Path) -> RunSettings | None:
    """Read the settings of a folder; None where there are none.

    Raises:
        InputError: where they cannot be read.
    """
    path = folder / SETTINGS
    try:
        settings: RunSettings = decode(RunSettings, json.loads(path.read_text(encoding="utf-8")), SETTINGS)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, BundleError) as error:
        raise InputError(f"{path} is no record of this release: {error}; choose another output=") from error
    return settings


def describe_difference(old: RunSettings, new: RunSettings) -> str | None:
    """Name the first thing that the old settings have otherwise than the new ones; None where they are the same."""
    if old.model != new.model:
        return f"the model {_describe(old.model)}, and this one is {_describe(new.model)}"
    for name in ("column", "prefix", "partition_rows"):
        if getattr(old, name) != getattr(new, name):
            return f"--{name.replace('_', '-')} {getattr(old, name)!r}, and now it is {getattr(new, name)!r}"
    before, now = ({source.path: source for source in settings.inputs} for settings in (old, new))
    for path in sorted(before.keys() | now.keys()):
        if path not in now:
            return f"other inputs, {path} among them"
        if path not in before:
            return f"other inputs, without {path}"
        if before[path] != now[path]:
            return f"another {path}, which has changed since"
    return None if old == new else f"format_version {old.format_version}"


def _describe(model: ModelIdentity) -> str:
    return f"{model.name!r} ({model.artifact}, {model.sha256[:8]})"


def _encode(settings: RunSettings) -> str:
    return json.dumps(dataclasses.asdict(settings), indent=2, ensure_ascii=False) + "\n"
