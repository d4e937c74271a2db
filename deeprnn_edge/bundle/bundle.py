"""Read a bundle on disk: a directory, or the same files in one zip."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.content import Source, has_file, is_zip, place_of, read_file
from deeprnn_edge.bundle.manifest import Companion, Manifest, decode_manifest
from deeprnn_edge.bundle.manifest_checks import check_manifest
from deeprnn_edge.bundle.vocabulary import decode_vocabulary
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files import limits

if TYPE_CHECKING:
    from deeprnn_edge.bundle.golden import Case

MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
CARD = "README.md"


def companion(path: str, content: bytes) -> Companion:
    """Return what a manifest states of a file beside the artifacts."""
    return Companion(path, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Bundle:
    """Hold an opened bundle.

    Attributes:
        path: where it is; of content what messages call it.
        manifest: what it says of itself.
        content: of its zip, where it was opened from that.
    """

    path: Path
    manifest: Manifest
    content: bytes | None = None

    @property
    def _at(self) -> Source:
        return self.path if self.content is None else self.content

    @property
    def source(self) -> Source:
        """Return what opens the bundle again."""
        return self.path.absolute() if self.content is None else self.content

    def read(self, name: str) -> bytes:
        """Read the vocabulary or another companion of the artifacts, once it is what the manifest states.

        Raises:
            BundleError: where it is missing, altered, leads out of the bundle or is too large.
        """
        largest = limits.GOLDEN_BYTES if name == GOLDEN else limits.VOCABULARY_BYTES
        for companion in self.manifest.companions:
            if companion.path == name and companion.size_bytes <= largest:
                return self._read_checked(companion)
        return read_file(self._at, name, largest_bytes=largest)

    def unchecked(self) -> list[str]:
        """Return the files that a device reads and that the manifest of an older release has no hash of."""
        hashed = {companion.path for companion in self.manifest.companions}
        read = [GOLDEN] if self.has(GOLDEN) else []
        if self.manifest.preprocessing.vocabulary is not None:
            read.append(self.manifest.preprocessing.vocabulary)
        return [name for name in read if name not in hashed]

    def read_artifact(self, artifact: Artifact) -> bytes:
        """Read an artifact, once its size and hash are those that the manifest states.

        What its format has to say of the content, ``runtimes.artifacts.read_artifact`` asks.

        Raises:
            BundleError: where they are not.
        """
        return self._read_checked(artifact)

    def _read_checked(self, stated: Artifact | Companion) -> bytes:
        content = read_file(
            self.path if self.content is None else self.content,
            stated.path,
            largest_bytes=stated.size_bytes,
            exact=True,
        )
        if hashlib.sha256(content).hexdigest() != stated.sha256:
            raise BundleError(
                f"{self.path / stated.path} differs from the hash in the manifest; "
                "the file was altered: copy the bundle again"
            )
        return content

    def has(self, name: str) -> bool:
        """Return whether the bundle holds a file of that name."""
        return has_file(self._at, name)

    def read_golden(self) -> bytes:
        """Read the golden vectors' content.

        Raises:
            BundleError: where there are none, as in a packed bundle.
        """
        if not self.has(GOLDEN):
            raise BundleError(
                f"{self.path} was packed without golden vectors: it has no {GOLDEN}; "
                "pack the whole bundle with them: deeprnn-edge pack BUNDLE -o OUTPUT.zip --golden"
            )
        return self.read(GOLDEN)

    def golden_cases(self) -> list[Case]:
        """Read the cases of the golden vectors, once they are such as the model takes.

        Raises:
            BundleError: where there are none, as in a packed bundle, or others.
        """
        from deeprnn_edge.bundle.golden import check_cases, decode_golden  # only verify and reports need it

        cases = decode_golden(self.read_golden())
        check_cases(cases, self.manifest)
        return cases

    def size_bytes(self) -> int:
        """Return the size of the zip, or of all the files in the directory."""
        if self.content is not None:
            return len(self.content)
        if self.path.is_file():
            return self.path.stat().st_size
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def largest_bytes(self) -> int:
        """Return the size of the largest file that the manifest states: what memory a process needs goes by it."""
        sizes = [one.size_bytes for one in self.manifest.artifacts]
        return max([*sizes, *(one.size_bytes for one in self.manifest.companions)])

    def artifact(self, path: str) -> Artifact:
        """Return the artifact of that path.

        Raises:
            BundleError: where there is none.
        """
        artifacts = self.manifest.artifacts
        for artifact in artifacts:
            if artifact.path == path:
                return artifact
        names = ", ".join(artifact.path for artifact in artifacts)
        raise BundleError(f"{self.path} has no artifact {path!r}; it has {names}")

    def stream_artifact(self, artifact: Artifact) -> Artifact:
        """Return the stream artifact of the same format and precision.

        Raises:
            InputError: where there is none.
        """
        for other in self.manifest.artifacts:
            if (other.kind, other.format, other.precision) == ("stream", artifact.format, artifact.precision):
                return other
        raise InputError(
            f"the bundle has no stream artifact for {artifact.path}; export the model again with: "
            "deeprnn-edge export MODEL --stream"
        )

    def vocabulary(self) -> list[str]:
        """Return the words by rank; none for a model without a vocabulary.

        Raises:
            BundleError: where the file is no such list.
        """
        name = self.manifest.preprocessing.vocabulary
        if name is None:
            return []
        return decode_vocabulary(_decode_text(self.read(name), self.path / name), self.path / name)


def open_bundle(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Bundle:
    """Open a bundle.

    Args:
        source: the path of its directory or zip, or the content of its zip.

    Raises:
        InputError: for what is neither a path nor bytes.
        BundleError: that says what is wrong with it.
    """
    opened = _find(source)
    place = place_of(opened)
    manifest = decode_manifest(
        _decode_text(read_file(opened, MANIFEST, largest_bytes=limits.MANIFEST_BYTES), place / MANIFEST)
    )
    check_manifest(manifest)
    return Bundle(place, manifest, None if isinstance(opened, Path) else opened)


def _find(source: Any) -> Source:
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
        if not is_zip(content):
            raise BundleError(
                f"these {len(content):,} bytes are no bundle; expected the content of its zip, as made by: "
                "deeprnn-edge pack BUNDLE -o OUTPUT.zip"
            )
        return content
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"got a {type(source).__name__}; expected a bundle's path, or the bytes of its zip")
    path = Path(source)
    try:
        found = path.exists()
    except ValueError as error:  # a NUL in it
        raise BundleError(f"no such bundle: {str(path)!r}") from error
    if not found:
        raise BundleError(f"no such bundle: {path}")
    if not path.is_dir() and not (path.is_file() and is_zip(path)):
        raise BundleError(f"{path} is neither a bundle's directory nor its zip")
    if path.is_dir() and not (path / MANIFEST).is_file():
        raise BundleError(f"{path} is no bundle: it has no {MANIFEST}; make one with: deeprnn-edge export")
    return path


def _decode_text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8 text; copy the bundle again") from error
