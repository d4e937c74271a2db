"""A copied bundle one of whose files is damaged, with the hash of the damaged file in its manifest."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

from deeprnn_edge.bundle.bundle import open_bundle
from tests.support.changed_bundle import change_manifest

# Offset and bytes in the fixture's model.tflite, found by damaging it at random: LiteRT 2.3 ends the process.
CRASH = (6088, bytes(4))


def put_artifact(bundle: Path, path: str, content: bytes) -> None:
    """Replace an artifact, and let the manifest state its size and hash."""
    artifacts = [
        dataclasses.replace(one, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        if one.path == path
        else one
        for one in open_bundle(bundle).manifest.artifacts
    ]
    (bundle / path).write_bytes(content)
    change_manifest(bundle, artifacts=tuple(artifacts))


def crashing_bundle(source: Path, folder: Path) -> Path:
    """Copy the fixture, whose model.tflite then ends the process that runs it."""
    bundle = shutil.copytree(source, folder / "bundle")
    content = bytearray((bundle / "model.tflite").read_bytes())
    at, damage = CRASH
    content[at : at + len(damage)] = damage
    put_artifact(bundle, "model.tflite", bytes(content))
    return bundle
