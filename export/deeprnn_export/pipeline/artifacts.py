"""From one model to the files that were asked for: each format converted, each precision stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import LoweredLayer, StoredTensor
from deeprnn_edge.parity.replay import Replay
from deeprnn_edge.runtimes.artifacts import open_session
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.parity.gate import Tolerance
from deeprnn_export.parity.precisions import CALIBRATED, artifact_path, reduced_tolerance
from deeprnn_export.pipeline.calibration_steps import calibration_steps
from deeprnn_export.pipeline.source import Source
from deeprnn_export.targets.onnx.convert import convert_to_onnx
from deeprnn_export.targets.onnx.dynamic_int8 import quantize_lstms, quantized_tensors
from deeprnn_export.targets.onnx.storage import Storage, check_weight
from deeprnn_export.targets.onnx.storage_plan import SmallModel, shrink
from deeprnn_export.targets.tflite.convert import convert_to_tflite

Progress = Callable[[str], None]


@dataclass(frozen=True)
class File:
    """A converted model that is not checked yet, and how far from Keras it may be.

    source: what it was made of.
    chunk: time steps of one call, where they are fixed and it streams.
    """

    source: Source
    kind: str
    precision: str
    path: str
    content: bytes
    recurrences: tuple[LoweredLayer, ...]
    tensors: tuple[StoredTensor, ...]
    tolerance: Tolerance
    chunk: int | None

    def replay(self) -> Replay:
        """The file in its own runtime."""
        plan = self.source.stream
        session = open_session(self.content, kind=self.kind, path=self.path, steps=plan is not None)
        return Replay(session, self.source.signature.inputs, None if plan is None else plan.spec, self.chunk)


def convert_all(source: Source, wanted: Sequence[tuple[str, str]], progress: Progress) -> Iterator[File]:
    """A file for each pair of format and precision. Raises UnsupportedModelError for what cannot be converted."""
    exact: dict[str, Conversion] = {}
    plan = source.stream
    told: set[LoweredLayer] = set()
    for kind, precision in wanted:
        path = artifact_path(kind, precision, stream=plan is not None)
        progress(f"converting to {path}")
        tolerance = source.tolerance
        if precision != "fp32":
            tolerance = reduced_tolerance(precision, source.answers(), source.max_difference)
        tensors: tuple[StoredTensor, ...] = ()
        chunk = None
        if kind == "tflite":
            converted = _to_tflite(source, precision, exact)
            content = converted.content
            chunk = None if plan is None else plan.chunk_of(source.shapes)
        else:
            if kind not in exact:
                exact[kind] = convert_to_onnx(source.model, source.signature, source.carry())
            converted = exact[kind]
            content = converted.content
            if precision != "fp32":
                small = _shrink(converted, precision, source, tolerance.atol, progress)
                content, tensors = small.content, small.tensors
        for layer in converted.recurrences:
            if layer.reason is not None and layer not in told:
                told.add(layer)
                progress(f"layer {layer.layer!r} keeps Keras's loop, slow but exact: {layer.reason}")
        yield File(source, kind, precision, path, content, converted.recurrences, tensors, tolerance, chunk)


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
        source.answers(),
        largest_difference=largest_difference,
        overrides=source.overrides,
        done=bool(computed),
        progress=progress,
    )
    return SmallModel(small.content, computed + small.tensors)


def _to_tflite(source: Source, precision: str, exact: dict[str, Conversion]) -> Conversion:
    if precision != "fp32":
        for variable in source.model.weights:
            values = np.asarray(variable.numpy())
            if values.ndim > 1 and values.shape[-2] > 1:
                check_weight(variable.path, values, precision, way_out="export with --format onnx and --tensor")

    def convert(precision: str, calibration: Sequence[dict[str, NDArray[Any]]]) -> Conversion:
        return convert_to_tflite(
            source.model,
            source.signature,
            source.shapes,
            carry=source.carry(),
            precision=precision,
            calibration=calibration,
        )

    if precision == "fp32":
        exact["tflite"] = convert(precision, ())
        return exact["tflite"]
    if precision not in CALIBRATED or source.stream is None:
        return convert(precision, source.calibration)
    if "tflite" not in exact:
        exact["tflite"] = convert("fp32", ())
    return convert(precision, calibration_steps(exact["tflite"].content, source.stream.spec, source.calibration))
