"""A bundle on disk: a directory, or the same files in one zip."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.manifest import Artifact, Manifest, decode_manifest

MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
VOCABULARY = "vocabulary.txt"
CARD = "README.md"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: where it is, and its manifest."""

    path: Path
    manifest: Manifest

    def read(self, name: str) -> bytes:
        """The content of one of the bundle's files. Raises BundleError where it is missing."""
        return _read(self.path, name)

    def read_artifact(self, artifact: Artifact) -> bytes:
        """An artifact's content, once its size and hash are those that the manifest states."""
        content = self.read(artifact.path)
        if len(content) != artifact.size_bytes:
            raise BundleError(
                f"{self.path / artifact.path} has {len(content)} bytes, the manifest says {artifact.size_bytes}; "
                "the file is truncated or was replaced: copy the bundle again"
            )
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            raise BundleError(
                f"{self.path / artifact.path} differs from the hash in the manifest; "
                "the file was altered: copy the bundle again"
            )
        return content

    def has(self, name: str) -> bool:
        """Whether the bundle holds a file of that name."""
        if self.path.is_dir():
            return (self.path / name).is_file()
        with zipfile.ZipFile(self.path) as archive:
            return name in archive.namelist()

    def read_golden(self) -> bytes:
        """The golden vectors' content. Raises BundleError where there are none, as in a packed bundle."""
        if not self.has(GOLDEN):
            raise BundleError(
                f"{self.path} was packed without golden vectors: it has no {GOLDEN}; "
                "pack the whole bundle with them: deeprnn-edge pack BUNDLE -o OUTPUT.zip --golden"
            )
        return self.read(GOLDEN)

    def size_bytes(self) -> int:
        """The size of the zip, or of all the files in the directory."""
        if self.path.is_file():
            return self.path.stat().st_size
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def artifact(self, path: str | None = None) -> Artifact:
        """The artifact of that path; without one the first ONNX artifact for whole sequences, else the first of these.

        A bundle of stream artifacts alone gives one of them by the same rule.
        """
        artifacts = self.manifest.artifacts
        if path is None:
            candidates = [artifact for artifact in artifacts if artifact.kind == "sequence"] or artifacts
            return next((artifact for artifact in candidates if artifact.format == "onnx"), candidates[0])
        for artifact in artifacts:
            if artifact.path == path:
                return artifact
        names = ", ".join(artifact.path for artifact in artifacts)
        raise BundleError(f"{self.path} has no artifact {path!r}; it has {names}")

    def stream_artifact(self, artifact: Artifact) -> Artifact:
        """The stream artifact of the same format and precision. Raises InputError where there is none."""
        for other in self.manifest.artifacts:
            if (other.kind, other.format, other.precision) == ("stream", artifact.format, artifact.precision):
                return other
        raise InputError(f"the bundle has no stream artifact for {artifact.path}; export the model again with --stream")

    def vocabulary(self) -> list[str]:
        """The words by rank; empty for a model without a vocabulary."""
        name = self.manifest.preprocessing.vocabulary
        return [] if name is None else self.read(name).decode("utf-8").splitlines()


def open_bundle(path: str | Path) -> Bundle:
    """Open a bundle's directory or zip. Raises BundleError that says what is wrong with it."""
    path = Path(path)
    if not path.exists():
        raise BundleError(f"no such bundle: {path}")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise BundleError(f"{path} is neither a bundle's directory nor its zip")
    if path.is_dir() and not (path / MANIFEST).is_file():
        raise BundleError(f"{path} is no bundle: it has no {MANIFEST}; make one with: deeprnn-edge export")
    try:
        text = _read(path, MANIFEST).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path / MANIFEST} is not UTF-8 text") from error
    manifest = decode_manifest(text)
    if not manifest.artifacts:
        raise BundleError(f"{path / MANIFEST} lists no artifact")
    return Bundle(path, manifest)


def _read(bundle: Path, name: str) -> bytes:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name:
        raise BundleError(f"{bundle} names the file {name!r}, which is not inside the bundle")
    try:
        if bundle.is_dir():
            return (bundle / name).read_bytes()
        with zipfile.ZipFile(bundle) as archive:
            return archive.read(name)
    except (FileNotFoundError, KeyError) as error:
        raise BundleError(f"{bundle} lacks the file {name}; copy the bundle again") from error
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise BundleError(f"{bundle / name} cannot be read: {error}") from error
