"""The way through: a Keras model enters, is lowered, converted, checked, and leaves as a bundle."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle import CARD, GOLDEN, MANIFEST, VOCABULARY
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.golden import Case, encode_golden
from deeprnn_edge.inspection import inspect_content
from deeprnn_edge.manifest import FORMAT_VERSION, Artifact, Manifest, Preprocessing, encode_manifest
from deeprnn_edge.verification import decision_outputs
from deeprnn_export.accuracy import load_evaluation, measure_accuracy
from deeprnn_export.bundle_writer import new_bundle
from deeprnn_export.card import write_card
from deeprnn_export.datasets import Dataset
from deeprnn_export.description import default_labels, describe_architecture
from deeprnn_export.gate import Tolerance, check_parity, require_parity, tolerance
from deeprnn_export.grid import make_grid, read_sample
from deeprnn_export.inference_form import is_mixed
from deeprnn_export.input_rules import InputRules, read_input_rules
from deeprnn_export.loading import load_model
from deeprnn_export.lowering import Conversion
from deeprnn_export.onnx_conversion import convert_to_onnx
from deeprnn_export.reference import keras_answers
from deeprnn_export.seam import layer_paths
from deeprnn_export.signature import Signature, read_signature
from deeprnn_export.tflite_conversion import convert_to_tflite

FORMATS = ("onnx", "tflite")
PRECISIONS = ("fp32",)
FREE_LENGTH = 100  # time steps of the parity grid where neither the model nor the caller states any
GOLDEN_ROWS = 3  # larger batches only repeat what the golden vectors show, and they travel with the model


def export(
    model: keras.Model | str | Path,
    destination: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    precisions: Sequence[str] = PRECISIONS,
    sample: Any = None,
    max_length: int | None = None,
    preprocessing: Preprocessing | None = None,
    vocabulary: Sequence[str] = (),
    labels: Sequence[str] = (),
    name: str | None = None,
    evaluate: Dataset | str | Path | None = None,
    atol: float | None = None,
    force: bool = False,
    allow_lambda: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Export a Keras model, or a saved one, as a bundle whose every artifact answers as Keras does.

    sample: arrays in the order of the model's inputs, or a dict by name; added to the parity grid. Its
        shapes, with batch 1, are TFLite's fixed shapes where the model's own are symbolic.
    max_length: the same for one time axis; and what the device pads to where the model masks padding.
    preprocessing, vocabulary, labels: what the device needs to turn raw input into ids and answers into
        words; by default what ``deeprnn-edge train`` left beside the model.
    evaluate: a data set, its name or its path; the accuracy of each artifact on its test part goes into the manifest.
    atol: the largest absolute difference to Keras that you accept, for a network of large outputs; by default
        1e-5, or 1e-4 for a deep or long one. The manifest states it.
    force: replace a bundle that is there.
    allow_lambda: load a file that carries Python code, from a maker you trust.
    custom_objects: classes and functions by name that a saved model refers to and Keras does not have.
    progress: called with a line at each step.

    Raises InputError for options and files that cannot be used, UnsupportedModelError for a model that
    cannot be exported exactly, ParityError where an artifact answers otherwise than Keras. Nothing new is
    left at ``destination`` then, and what was there stays.
    """
    _check_options(formats, precisions, max_length, atol)
    with new_bundle(destination, force=force) as folder:
        if isinstance(model, keras.Model):
            loaded, saved_at = model, None
        else:
            progress(f"loading {model}")
            loaded, saved_at = load_model(model, allow_lambda=allow_lambda, custom_objects=custom_objects), Path(model)
        _check_model(loaded)
        signature = read_signature(loaded)
        _check_signature(signature)
        rules = read_input_rules(
            signature,
            saved_at=saved_at,
            max_length=max_length,
            preprocessing=preprocessing,
            vocabulary=vocabulary,
            labels=labels,
            default_labels=default_labels(loaded),
        )
        checked_sample = None if sample is None else read_sample(sample, signature)
        dataset = None if evaluate is None else load_evaluation(evaluate, signature, rules)
        length = _grid_length(signature, rules, checked_sample, max_length)
        grid = make_grid(signature, length=length or FREE_LENGTH, sample=checked_sample)
        shapes = _fixed_shapes(signature, checked_sample, length) if "tflite" in formats else {}
        cases = keras_answers(loaded, signature, grid, progress=progress)
        decisions = decision_outputs(signature.outputs, rules.labels)
        allowed = _tolerance(loaded, cases) if atol is None else Tolerance(atol, "set by the caller")
        if is_mixed(loaded):
            progress("the model computes in 16 bits; exported, and compared, in float32 with the same weights")

        reports, artifacts = [], []
        for kind in dict.fromkeys(formats):
            converted = _convert(kind, loaded, signature, shapes, progress)
            path, content = f"model.{kind}", converted.content
            progress(f"checking {path} against Keras")
            report = check_parity(content, kind, path, cases, tolerance=allowed, decisions=decisions)
            (folder / path).write_bytes(content)
            reports.append(report)
            artifacts.append(
                Artifact(
                    path=path,
                    format=kind,  # type: ignore[arg-type]  # _check_options let the two formats through alone
                    precision="fp32",
                    kind="sequence",
                    size_bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    parity=report.summary(),
                    accuracy=None if dataset is None else measure_accuracy(content, kind, path, dataset, signature),
                    operators=dict(inspect_content(content, path, kind).operators),
                    recurrences=converted.recurrences,
                )
            )
        require_parity(reports)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            name=name or rules.name or loaded.name,
            created_with=_versions(),
            inputs=signature.inputs,
            outputs=signature.outputs,
            architecture=describe_architecture(loaded),
            preprocessing=rules.preprocessing,
            labels=rules.labels,
            artifacts=tuple(artifacts),
        )
        _write_companions(folder, manifest, cases, rules)
    return manifest


def _write_companions(folder: Path, manifest: Manifest, cases: Sequence[Case], rules: InputRules) -> None:
    golden = [case for case in cases if len(next(iter(case.inputs.values()))) <= GOLDEN_ROWS] or list(cases)
    (folder / GOLDEN).write_bytes(encode_golden(golden))
    if rules.vocabulary:
        (folder / VOCABULARY).write_text("".join(f"{word}\n" for word in rules.vocabulary), encoding="utf-8")
    (folder / CARD).write_text(write_card(manifest), encoding="utf-8")
    (folder / MANIFEST).write_text(encode_manifest(manifest), encoding="utf-8")


def _check_options(
    formats: Sequence[str], precisions: Sequence[str], max_length: int | None, atol: float | None
) -> None:
    for given, known, option in ((formats, FORMATS, "format"), (precisions, PRECISIONS, "precision")):
        unknown = [value for value in given if value not in known]
        if unknown or not given:
            raise InputError(f"unknown {option} {', '.join(unknown) or '(none)'}; there are {', '.join(known)}")
    if max_length is not None and max_length < 1:
        raise InputError(f"--max-length {max_length}: a sequence has at least 1 step")
    if atol is not None and not 0 < atol < math.inf:
        raise InputError(f"--atol {atol}: expected a difference above 0, such as 1e-3")


def _check_model(model: keras.Model) -> None:
    if not any(isinstance(layer, keras.layers.RNN) for layer in layer_paths(model)):
        raise UnsupportedModelError(
            f"the model {model.name!r} has no recurrent layer; tf2onnx or Keras's own model.export suits it better"
        )


def _check_signature(signature: Signature) -> None:
    if signature.drawing is not None:
        raise UnsupportedModelError(
            f"{signature.drawing} draws random numbers at inference, so that no file could answer as it does; "
            "call it without training=True, or take it out"
        )


def _convert(
    kind: str,
    model: keras.Model,
    signature: Signature,
    shapes: dict[str, tuple[int, ...]],
    progress: Callable[[str], None],
) -> Conversion:
    progress(f"converting to {kind}")
    converted = convert_to_onnx(model, signature) if kind == "onnx" else convert_to_tflite(model, signature, shapes)
    for layer in converted.recurrences:
        if layer.reason is not None:
            progress(f"layer {layer.layer!r} keeps Keras's loop, slow but exact: {layer.reason}")
    return converted


def _tolerance(model: keras.Model, cases: Sequence[Case]) -> Tolerance:
    layers = layer_paths(model)
    # The two directions of a bidirectional layer stand beside each other.
    both = sum(isinstance(layer, keras.layers.Bidirectional) for layer in layers)
    recurrences = sum(isinstance(layer, keras.layers.RNN) for layer in layers) - both
    sequences = [array.shape[1] for case in cases for array in case.inputs.values() if array.ndim > 1]
    return tolerance(recurrences, max(sequences, default=1))


def _grid_length(
    signature: Signature, rules: InputRules, sample: Mapping[str, NDArray[Any]] | None, max_length: int | None
) -> int | None:
    """Time steps of the grid: the caller's, else the sample's, else what the device pads to."""
    free = next((spec for spec in signature.inputs if "time" in spec.shape), None)
    if max_length is None and sample is not None and free is not None:
        return int(sample[free.name].shape[free.shape.index("time")])
    return max_length or rules.preprocessing.max_length


def _fixed_shapes(
    signature: Signature, sample: Mapping[str, NDArray[Any]] | None, length: int | None
) -> dict[str, tuple[int, ...]]:
    """Input name to TFLite's shape: batch 1, every other axis a number."""
    shapes = {}
    for spec in signature.inputs:
        given = (
            (1, *sample[spec.name].shape[1:])
            if sample
            else (1, *(length if s == "time" else s for s in spec.shape[1:]))
        )
        if not all(isinstance(size, int) for size in given):
            raise InputError(
                f"input {spec.name!r} has the shape ({', '.join(map(str, spec.shape))}), and TFLite needs fixed axes: "
                "give --max-length, or a sample, or export with --format onnx alone"
            )
        shapes[spec.name] = tuple(int(size) for size in given if size is not None)
    return shapes


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("deeprnn-edge", "keras", "tensorflow", "tf2onnx", "onnx")}
