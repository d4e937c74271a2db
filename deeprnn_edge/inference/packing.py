"""Pack what a device needs of a bundle, and nothing else, into one zip."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST, companion, open_bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_write import hold_output, write_output
from deeprnn_edge.files.zip_writer import zip_files
from deeprnn_edge.runtimes.artifacts import choose_artifact, read_artifact

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Packed:
    """Describe a packed bundle.

    Attributes:
        path: of the zip.
        size_bytes: of the zip.
        bundle: what it was made from.
        bundle_size_bytes: of all the files of the bundle that it was made from.
        artifacts: the paths of those that it holds.
        golden: whether it holds the golden vectors, so that it can be verified.
    """

    path: str
    size_bytes: int
    bundle: str
    bundle_size_bytes: int
    artifacts: tuple[str, ...]
    golden: bool


def pack(
    path: str | Path,
    output: str | Path,
    *,
    artifacts: Sequence[str] = (),
    golden: bool = False,
    force: bool = False,
) -> Packed:
    """Write the smallest bundle that runs these artifacts: manifest, artifacts and vocabulary in one zip.

    Its manifest leaves out what describes the artifacts and nothing runs or checks by: operators, what became
    of the recurrent layers, how the weights are stored.

    Args:
        path: of the bundle.
        output: the zip to write.
        artifacts: paths inside the bundle, such as ``model.int8.onnx``; without any, the one that ``load`` takes.
        golden: add the golden vectors, without which ``verify`` has nothing to replay.
        force: replace the file that is there.

    Raises:
        BusyError: where another command is writing the output.
        InputError: where the output is taken, no ``.zip`` or cannot be written.
        BundleError: for an artifact that the bundle does not have and for a damaged bundle.
        MissingExtraError: for an artifact of a format that nothing here runs.
    """
    output = Path(output)
    if output.suffix.lower() != ".zip":
        raise InputError(f"{output} has no suffix .zip; a packed bundle is one: give a name such as model.zip")
    with hold_output(output, force=force):
        return _write(Path(path), output, artifacts, golden=golden)


def _write(path: Path, output: Path, artifacts: Sequence[str], *, golden: bool) -> Packed:
    bundle = open_bundle(path)
    chosen = {choose_artifact(bundle, name).path for name in artifacts or (None,)}
    # In the manifest's order, by which load takes one of several.
    kept = tuple(artifact for artifact in bundle.manifest.artifacts if artifact.path in chosen)
    manifest = dataclasses.replace(bundle.manifest, artifacts=tuple(map(_strip, kept)))
    beside: dict[str, bytes] = {}
    if vocabulary := manifest.preprocessing.vocabulary:
        beside[vocabulary] = bundle.read(vocabulary)
    if golden:
        beside[GOLDEN] = bundle.read_golden()
    manifest = dataclasses.replace(manifest, companions=tuple(companion(*file) for file in beside.items()))
    running = {artifact.path: read_artifact(bundle, artifact) for artifact in kept}
    content = zip_files({MANIFEST: _encode(manifest), **running, **beside})
    bundle_size_bytes = bundle.size_bytes()
    write_output(output, content)
    return Packed(
        path=str(output),
        size_bytes=len(content),
        bundle=str(path),
        bundle_size_bytes=bundle_size_bytes,
        artifacts=tuple(artifact.path for artifact in kept),
        golden=golden,
    )


def to_json(packed: Packed) -> str:
    """Return the result as JSON text, with ``format_version``."""
    return json.dumps({"format_version": FORMAT_VERSION, **dataclasses.asdict(packed)}, indent=2) + "\n"


def _strip(artifact: Artifact) -> Artifact:
    """Return an artifact without what describes it alone."""
    return dataclasses.replace(artifact, operators=None, recurrences=(), tensors=())


def _encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON without spaces and without the fields that decoding fills in by itself."""
    return json.dumps(_compact(manifest), separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _compact(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        named = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {field.name: _compact(item) for field, item in named if item != field.default}
    return [_compact(item) for item in value] if isinstance(value, tuple) else value
