"""A copied bundle, made to say something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from deeprnn_edge.bundle.bundle import MANIFEST, open_bundle
from deeprnn_edge.bundle.manifest import Manifest, encode_manifest


def change_manifest(bundle: Path, **changes: Any) -> Manifest:
    manifest = dataclasses.replace(open_bundle(bundle).manifest, **changes)
    (bundle / MANIFEST).write_text(encode_manifest(manifest), encoding="utf-8")
    return manifest


def free_time(bundle: Path) -> None:
    """Let the manifest say that the time axis is free."""
    manifest = open_bundle(bundle).manifest
    inputs = tuple(dataclasses.replace(spec, shape=("batch", "time", *spec.shape[2:])) for spec in manifest.inputs)
    change_manifest(bundle, inputs=inputs)
