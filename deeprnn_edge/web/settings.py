"""Tell the page what it has to know of a bundle, as one JSON object; what it cannot show is refused here."""

from __future__ import annotations

import dataclasses
from typing import Any

from deeprnn_edge.bundle.answer import Answer, class_count
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import Manifest, Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.bundle.text_steps import encode_step
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.stream_source import stream_spec
from deeprnn_edge.inputs.samples import collect_examples, collect_samples
from deeprnn_edge.inputs.text import compile_steps
from deeprnn_edge.runtimes import PORTABLE
from deeprnn_edge.runtimes.artifacts import choose_for

_LARGEST_WHOLE = (1 << 53) - 1


def choose_artifact(bundle: Bundle, path: str | None) -> Artifact:
    """Return the artifact of that path; by default the first stream, else the first for whole sequences."""
    return choose_for(PORTABLE, bundle, path, prefer="stream", said="the page runs")


def make_settings(bundle: Bundle, artifact: Artifact) -> dict[str, Any]:
    """Make the page's settings.

    Raises:
        InputError: that names what the page cannot show.
    """
    manifest, rules = bundle.manifest, bundle.manifest.preprocessing
    streams = artifact.kind == "stream"
    spec = stream_spec(manifest, artifact) if streams else None
    given = _only("inputs", spec.inputs if spec else manifest.inputs)
    answer = _only("outputs", spec.outputs if spec else manifest.outputs)
    _check_input(given, manifest)
    _check_output(answer, manifest)
    states = spec.states if spec else ()
    if odd := next((one for one in states if one.dtype != "float32"), None):
        raise InputError(f"the page cannot carry the state {odd.name!r}: it is {odd.dtype}, expected float32")
    words = bundle.vocabulary()
    return {
        "name": manifest.name,
        "kind": rules.kind,
        "streams": streams,
        "artifact": {"path": artifact.path, "precision": artifact.precision, "sizeBytes": artifact.size_bytes},
        "input": {"name": given.name, "dtype": given.dtype, "shape": given.shape[1:], "idCount": given.id_count},
        "output": {"name": answer.name, "size": answer.shape[-1], "everyStep": len(answer.shape) == 3},
        "states": [
            {"name": one.name, "nextName": one.next_name, "shape": one.shape[1:], "initial": one.initial}
            for one in states
        ],
        "rules": {
            "steps": [encode_step(dataclasses.asdict(step)) for step in rules.text_steps],
            "startId": rules.start_id,
            "endId": rules.end_id,
            "oovId": rules.oov_id,
            "padId": rules.pad_id,
            "padValue": rules.pad_value,
            "indexOffset": rules.index_offset,
            "maxLength": rules.max_length,
            "minLength": rules.min_length,
            "padding": rules.padding,
            "truncating": rules.truncating,
        },
        "labels": list(manifest.labels),
        "answer": _answer(manifest.answer),
        "layers": [
            f"{layer.kind}({layer.units})" if layer.units else layer.kind for layer in manifest.architecture.layers
        ],
        "parameters": manifest.architecture.parameters,
        "vocabulary": words,
        "examples": collect_examples(words, compile_steps(rules.text_steps)) if rules.kind == "text" else [],
        "raw": _raw(rules),
        "samples": [] if rules.kind == "text" else collect_samples(bundle, given, streams=streams),
    }


def _raw(rules: Preprocessing) -> dict[str, Any] | None:
    """Return how the one input is made of raw values.

    Raises:
        InputError: for a category that JavaScript's numbers cannot tell from its neighbour.
    """
    if not rules.raw:
        return None
    (raw,) = rules.raw
    keys = [key for step in raw.steps for key in step.keys or () if isinstance(key, int)]
    if odd := next((key for key in keys if abs(key) > _LARGEST_WHOLE), None):
        raise InputError(f"the page cannot look up {odd}: beyond 2 ** 53 JavaScript's numbers are no longer exact")
    fields = dataclasses.asdict(raw)
    return fields | {"steps": [encode_step(step) for step in fields["steps"]]}


def _answer(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "kind": answer.kind,
        "threshold": answer.threshold,
        "blank": answer.blank,
        "scale": answer.scale,
        "offset": answer.offset,
        "skipsPadding": answer.skips_padding,
    }


def _only(what: str, specs: tuple[TensorSpec, ...]) -> TensorSpec:
    if len(specs) != 1:
        raise InputError(
            f"the page shows models of one input and one output, and this one has {len(specs)} {what}: "
            f"{', '.join(spec.name for spec in specs)}; run it from Python: model.run()"
        )
    return specs[0]


def _check_input(spec: TensorSpec, manifest: Manifest) -> None:
    rules = manifest.preprocessing
    rank, dtype = (3, "float32") if rules.kind == "sequence" else (2, "int32")
    if len(spec.shape) != rank or spec.dtype != dtype:
        raise InputError(f"{_shown('input', spec)}; the page gives {rules.kind} as {rank} axes of {dtype}")
    _check_batch("input", spec)
    fixed = spec.shape[1]
    if rules.kind != "sequence" and not isinstance(fixed, str) and rules.max_length != fixed:
        raise InputError(
            f"the input {spec.name!r} has {fixed} steps, and the bundle states no such length to pad to; "
            "give a stream artifact, or export the model with: deeprnn-edge export MODEL --max-length STEPS"
        )


def _check_output(spec: TensorSpec, manifest: Manifest) -> None:
    if spec.dtype != "float32" or len(spec.shape) not in (2, 3) or not isinstance(spec.shape[-1], int):
        raise InputError(
            f"{_shown('output', spec)}; the page shows float32 of (batch, classes) or (batch, time, classes)"
        )
    _check_batch("output", spec)
    classes = class_count("class" if manifest.answer is None else manifest.answer.kind, int(spec.shape[-1]))
    if manifest.labels and len(manifest.labels) < classes:
        raise InputError(f"the manifest has {len(manifest.labels)} labels, and the model {classes}; export it again")


def _check_batch(what: str, spec: TensorSpec) -> None:
    if spec.shape[0] not in (1, "batch"):
        raise InputError(f"{_shown(what, spec)}; the page runs one sequence at a time, so export with a free batch")


def _shown(what: str, spec: TensorSpec) -> str:
    return f"the {what} {spec.name!r} is {spec.dtype} of the shape ({', '.join(map(str, spec.shape))})"
