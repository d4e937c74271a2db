"""From one model to the files that were asked for: each format converted, each precision stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from deeprnn_edge.manifest import LoweredLayer, StoredTensor
from deeprnn_export.gate import Tolerance
from deeprnn_export.lowering import Conversion
from deeprnn_export.onnx_conversion import convert_to_onnx
from deeprnn_export.onnx_dynamic import quantize_lstms, quantized_tensors
from deeprnn_export.precisions import artifact_path, reduced_tolerance
from deeprnn_export.source import Source
from deeprnn_export.storage_plan import SmallModel, shrink
from deeprnn_export.tflite_conversion import convert_to_tflite
from deeprnn_export.weight_storage import Storage, check_weight

Progress = Callable[[str], None]


@dataclass(frozen=True)
class File:
    """A converted model that is not checked yet, and how far from Keras it may be."""

    kind: str
    precision: str
    path: str
    content: bytes
    recurrences: tuple[LoweredLayer, ...]
    tensors: tuple[StoredTensor, ...]
    tolerance: Tolerance


def convert_all(source: Source, wanted: Sequence[tuple[str, str]], progress: Progress) -> Iterator[File]:
    """A file for each pair of format and precision. Raises UnsupportedModelError for what cannot be converted."""
    exact_onnx: Conversion | None = None
    told: set[LoweredLayer] = set()
    for kind, precision in wanted:
        path = artifact_path(kind, precision)
        progress(f"converting to {path}")
        tolerance = source.tolerance
        if precision != "fp32":
            tolerance = reduced_tolerance(precision, source.cases, source.max_difference)
        tensors: tuple[StoredTensor, ...] = ()
        if kind == "tflite":
            converted = _to_tflite(source, precision)
            content = converted.content
        else:
            converted = exact_onnx = exact_onnx or convert_to_onnx(source.model, source.signature)
            content = converted.content
            if precision != "fp32":
                small = _shrink(converted, precision, source, tolerance.atol, progress)
                content, tensors = small.content, small.tensors
        for layer in converted.recurrences:
            if layer.reason is not None and layer not in told:
                told.add(layer)
                progress(f"layer {layer.layer!r} keeps Keras's loop, slow but exact: {layer.reason}")
        yield File(kind, precision, path, content, converted.recurrences, tensors, tolerance)


def _shrink(
    converted: Conversion, precision: str, source: Source, largest_difference: float, progress: Progress
) -> SmallModel:
    proto = onnx.load_from_string(converted.content)
    computed: tuple[StoredTensor, ...] = ()
    if precision == "int8-dynamic":
        proto = quantize_lstms(proto, converted.recurrences)
        computed = quantized_tensors(proto)
    storage: Storage = {"fp16": "fp16", "int4": "int4"}.get(precision, "int8")  # type: ignore[assignment]
    small = shrink(
        proto,
        storage,
        source.cases,
        largest_difference=largest_difference,
        overrides=source.overrides,
        done=bool(computed),
        progress=progress,
    )
    return SmallModel(small.content, computed + small.tensors)


def _to_tflite(source: Source, precision: str) -> Conversion:
    if precision != "fp32":
        for variable in source.model.weights:
            values = np.asarray(variable.numpy())
            if values.ndim > 1 and values.shape[-2] > 1:
                check_weight(variable.path, values, precision, way_out="export with --format onnx and --tensor")
    return convert_to_tflite(
        source.model, source.signature, source.shapes, precision=precision, calibration=source.calibration
    )
