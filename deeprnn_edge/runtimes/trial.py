"""Try an artifact in a process of its own: does it open, and answer, without ending that process?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import TensorSpec, is_time
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.files.guard.question import answer, ask
from deeprnn_edge.runtimes.artifacts import open_artifact
from deeprnn_edge.runtimes.session import Session

_STEPS = 8  # where nothing states how many
_ROWS = (1, 2)


def try_artifact(bundle: Bundle, artifact: Artifact, *, threads: int, allow_native_code: bool) -> None:
    """Open an artifact and run it on made-up rows, within limits of time and memory.

    Raises:
        BundleError: where it ends that process, does not answer in time, or cannot be opened or run.
        MissingExtraError: where its runtime or the permission that it needs is missing.
    """
    request = {"artifact": artifact.path, "threads": threads, "allow_native_code": allow_native_code}
    with _on_disk(bundle) as path:
        ask(__name__, {"path": str(path), **request}, where=str(bundle.path), file_bytes=bundle.largest_bytes())


@contextmanager
def _on_disk(bundle: Bundle) -> Iterator[Path]:
    """Give the path of a bundle; of content that of a file with it, which goes away at the end."""
    if bundle.content is None:
        yield bundle.path
        return
    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(bundle.content)
        yield path


def _answer(request: dict[str, Any]) -> None:
    bundle = open_bundle(request["path"])
    artifact = bundle.artifact(request["artifact"])
    report(artifact.path)
    session = open_artifact(
        bundle, artifact, threads=request["threads"], allow_native_code=request["allow_native_code"]
    )
    for rows in _ROWS:
        _run(session, bundle.manifest, artifact, rows)


def _run(session: Session, manifest: Manifest, artifact: Artifact, rows: int) -> None:
    """Run so many rows of ones, an id that is no padding, and drop the answer."""
    fixed = session.fixed_shapes
    steps = manifest.preprocessing.max_length or _STEPS
    if artifact.kind == "stream" and (spec := manifest.stream) is not None:
        steps = artifact.chunk or _STEPS
        stepper = session.stepper(spec, rows=rows, chunk=artifact.chunk)
        stepper.advance({one.name: _ones(one, rows, steps) for one in spec.inputs})
        return
    if any(isinstance(one.shape[0], int) and one.shape[0] != rows for one in manifest.inputs):
        return  # a model built for a batch of its own size
    shaped = [
        TensorSpec(one.name, one.dtype, ("batch", *fixed[one.name][1:])) if one.name in fixed else one
        for one in manifest.inputs
    ]
    session.run({one.name: _ones(one, rows, steps) for one in shaped})


def _ones(spec: TensorSpec, rows: int, steps: int) -> NDArray[Any]:
    sizes = [(steps if is_time(size) else 1) if isinstance(size, str) else size for size in spec.shape[1:]]
    value = 0 if spec.id_count == 1 else 1
    return np.full((rows, *sizes), value, spec.dtype)


if __name__ == "__main__":
    answer(_answer)
