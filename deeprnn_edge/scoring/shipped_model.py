"""Turn a model into bytes, on its way to the workers: they need not see the bundle."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from pathlib import Path

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.inference.model import Model, load
from deeprnn_edge.inference.packing import pack
from deeprnn_edge.runtimes.artifacts import choose_artifact
from deeprnn_edge.scoring.run_settings import ModelIdentity

_NAME = "model.zip"


def ship_model(bundle: str | Path, artifact: str | None) -> tuple[bytes, ModelIdentity]:
    """Pack a bundle with the one artifact that answers, and tell it from others.

    Raises:
        BundleError: for an artifact that the bundle does not have and for a damaged bundle.
    """
    opened = open_bundle(bundle)
    chosen = choose_artifact(opened, artifact).path
    with tempfile.TemporaryDirectory() as folder:
        pack(bundle, Path(folder) / _NAME, artifacts=[chosen])
        content = (Path(folder) / _NAME).read_bytes()
    return content, ModelIdentity(opened.manifest.name, chosen, _hash_files(content))


def load_shipped(content: bytes) -> Model:
    """Load the model on a worker, one thread a call.

    Raises:
        MissingExtraError: for an artifact whose runtime is not installed there.
    """
    return load(content)


def _hash_files(content: bytes) -> str:
    """Hash the files in the zip, not the zip: another zlib deflates the same file to other bytes."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            digest.update(name.encode("utf-8") + b"\0" + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()
