"""Inspect a bundle, a file of a runtime's format, or one that another package reads."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.inspection.plugins import load_format
from deeprnn_edge.inspection.record import Inspection
from deeprnn_edge.runtimes import find_runtime, runtime_of
from deeprnn_edge.runtimes.artifacts import read_artifact
from deeprnn_edge.runtimes.file_inspection import FileInspection, summarize

FORMAT_VERSION = 1


def inspect_path(path: str | Path) -> Inspection:
    """Inspect a bundle, an ``.onnx``, a ``.tflite``, or a format that a package registers (``.keras``).

    In a bundle, an artifact that nothing here reads is not an error: its ``problem`` says why.

    Raises:
        BundleError: where the path is missing, damaged or not what its suffix says.
        InputError: for a suffix that nothing reads.
        MissingExtraError: where a package is missing that reads it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no such file or directory: {path}")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix == ".zip":
        return _inspect_bundle(open_bundle(path))
    if (runtime := find_runtime(suffix.removeprefix("."))) is not None:
        return _of_file(runtime.inspect(_read(path), path.name), path)
    if suffix != ".keras" and zipfile.is_zipfile(path):
        return _inspect_bundle(open_bundle(path))
    return load_format(path).inspect(path)


def to_json(inspection: Inspection) -> str:
    """Return the inspection as JSON text, with ``format_version``."""
    values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(inspection)}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _of_file(file: FileInspection, path: Path) -> Inspection:
    return Inspection(
        path=str(path),
        kind=file.format,
        size_bytes=file.size_bytes,
        inputs=file.inputs,
        outputs=file.outputs,
        layers=(),
        artifacts=(file,),
    )


def _inspect_bundle(bundle: Bundle) -> Inspection:
    manifest = bundle.manifest
    return Inspection(
        path=str(bundle.path),
        kind="bundle",
        size_bytes=bundle.size_bytes(),
        inputs=manifest.inputs,
        outputs=manifest.outputs,
        layers=manifest.architecture.layers,
        artifacts=tuple(_inspect_artifact(bundle, artifact) for artifact in manifest.artifacts),
        recurrences={one.path: one.recurrences for one in manifest.artifacts if one.recurrences},
        stored={one.path: one.tensors for one in manifest.artifacts if one.tensors},
        states=() if manifest.stream is None else manifest.stream.states,
        unchecked=tuple(bundle.unchecked()),
        raw=manifest.preprocessing.raw,
    )


def _inspect_artifact(bundle: Bundle, artifact: Artifact) -> FileInspection:
    content = read_artifact(bundle, artifact)
    try:
        return runtime_of(artifact).inspect(content, artifact.path, precision=artifact.precision)
    except MissingExtraError as error:
        operators, runtime = artifact.operators or {}, find_runtime(artifact.format)
        prefix = runtime.foreign_prefix if runtime else ""
        return summarize(
            FileInspection(
                artifact.path,
                artifact.format,
                artifact.precision,
                artifact.size_bytes,
                operators=operators,
                problem=str(error),
            ),
            recurrent=runtime.recurrent_operators if runtime else (),
            loops=runtime.loop_operators if runtime else (),
            foreign={name for name in operators if prefix and name.startswith(prefix)},
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
