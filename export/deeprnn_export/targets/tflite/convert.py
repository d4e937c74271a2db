"""Convert Keras to TFLite: trace with its layers overridden, convert that in a process of its own, check."""

from __future__ import annotations

import re
import signal
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.runtimes.tflite.inspection import inspect_tflite
from deeprnn_export.lowering.lower import lowered
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.reading.signature import Signature, tensor_specs
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.tflite import TARGET
from deeprnn_export.targets.tflite.compact import compact
from deeprnn_export.targets.tflite.converter import run_apart
from deeprnn_export.targets.tflite.converter_process import TRY
from deeprnn_export.targets.tflite.recurrences import TFLiteLowering
from deeprnn_export.tracing.overrides import overridden
from deeprnn_export.tracing.plain_layers import bias_add
from deeprnn_export.tracing.refusals import lacks_operator, refusing
from deeprnn_export.tracing.tensorflow_internals import lacking_operator


def convert_to_tflite(given: ConversionInput, precision: str = "fp32") -> Conversion:
    """Convert a model to a TFLite file of builtin operators alone. Inputs and outputs keep their dtypes.

    Args:
        given: the model, its fixed shapes (batch 1 and so many steps: symbolic axes would need Flex), and samples
            of these shapes for a precision that is calibrated.
        precision: ``fp32``; ``fp16`` and ``int8``, which store weights so; ``int8-full`` and ``int16x8``, in which
            activations are integers of 8 and of 16 bits too.

    Raises:
        UnsupportedModelError: where the graph needs an operator that TFLite lacks, where the converter crashes,
            where LiteRT cannot run what it made, and for loops in a calibrated precision.
        InputError: for an unknown precision, and for a calibrated one without samples.
    """
    if precision not in TARGET.precisions:
        raise InputError(f"unknown precision {precision!r} for tflite; there are {', '.join(TARGET.precisions)}")
    is_calibrated = TARGET.precisions[precision].is_calibrated
    if is_calibrated and not given.calibration:
        raise InputError(f"{precision} is calibrated on real samples; give some with calibration=")
    model, signature, carry = given.model, given.signature, given.carry()
    names = [spec.name for spec in signature.outputs]
    own = len(signature.inputs) - len(carry.names)

    def forward(*inputs: Any) -> dict[str, Any]:
        return dict(zip(names, carry.answers(model, inputs[:own], inputs[own:]), strict=True))

    specs = tensor_specs(signature.inputs, fixed=given.shapes)
    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder:
        saved_model = Path(folder) / "saved_model"
        traced = refusing(f"the model {model.name!r} cannot be traced")
        lowering = TFLiteLowering(precision)
        with traced, overridden([(tf.nn, {"bias_add": bias_add})]), lowered(model, lowering, carry) as recurrences:
            archive = keras.export.ExportArchive()
            archive.track(model)
            archive.add_endpoint("serve", tf.function(forward, input_signature=specs, autograph=False))
            archive.write_out(str(saved_model), verbose=False)
        for layer in recurrences:
            if is_calibrated and layer.form == "keras loop":
                raise UnsupportedModelError(
                    f"layer {layer.layer!r} keeps Keras's loop ({layer.reason}), and the TFLite converter cannot "
                    f"calibrate loops for {precision} (tensorflow#87468); export it with precisions=('int8',), "
                    f"or {TARGET.way_out}"
                )
        samples = None
        if is_calibrated:
            samples = _write_samples(Path(folder) / "samples.npz", signature, given.calibration)
        made, delegates = _convert_apart(model, saved_model, Path(folder) / "model.tflite", precision, samples)
        content = compact(made)
    foreign = inspect_tflite(content, "model.tflite").foreign
    if foreign:
        raise UnsupportedModelError(
            f"the TFLite form of model {model.name!r} needs {', '.join(sorted(foreign))}, "
            f"which LiteRT runs with extra libraries only; {TARGET.way_out}"
        )
    return Conversion(content, tuple(recurrences), delegates=delegates)


def _write_samples(path: Path, signature: Signature, calibration: Sequence[Mapping[str, NDArray[Any]]]) -> Path:
    """Write the samples as the worker reads them."""
    names = [spec.name for spec in signature.inputs]
    arrays = [
        np.concatenate([np.asarray(row[spec.name], spec.dtype) for row in calibration]) for spec in signature.inputs
    ]
    np.savez(path, *arrays, names=np.array(names))
    return path


def _convert_apart(
    model: keras.Model, saved_model: Path, target: Path, precision: str, samples: Path | None
) -> tuple[bytes, bool]:
    """Run the converter in another process, and say what it ended with.

    Returns:
        The file, and whether LiteRT runs it with its delegates.
    """
    given = [] if samples is None else [samples]
    done = run_apart([saved_model, target, precision, *given])
    if done.returncode == 0:
        return target.read_bytes(), True
    if lacking := lacking_operator(done.stderr):
        raise lacks_operator(model, *lacking, lacks=TARGET.lacks, way_out=TARGET.way_out)
    # The file is there as soon as the converter is done with it.
    tried = target.exists()
    if tried and run_apart([saved_model, target, TRY, *given]).returncode == 0:
        return target.read_bytes(), False
    if done.returncode < 0:
        crash = signal.Signals(-done.returncode).name
        reason = f"LiteRT crashed with {crash} at the file" if tried else f"the TFLite converter crashed with {crash}"
    else:
        line = telling_line(done.stderr)
        reason = f"LiteRT cannot run the file: {line}" if tried else f"the TFLite converter refused it: {line}"
    before = "" if precision == "fp32" else "leave this precision out, or "
    raise UnsupportedModelError(f"model {model.name!r} in {precision}: {reason}; {before}{TARGET.way_out}")


def telling_line(said: str) -> str:
    """Return the last line that tells of an error, else the last; with how often, where it repeats."""
    lines = said.strip().splitlines() or ["no reason"]
    line = ([line for line in lines if "error:" in line.lower()] or lines)[-1].strip()
    # LiteRT says the same of each node that a delegate does not take, some hundreds of them.
    repeated = Counter(re.sub(r"\d+", "#", one.strip()) for one in lines)
    most, times = repeated.most_common(1)[0]
    if times < 2 or most == re.sub(r"\d+", "#", line):
        return line if times < 2 else f"{line} ({times} times)"
    first = next(one.strip() for one in lines if re.sub(r"\d+", "#", one.strip()) == most)
    return f"{line}; before it, {times} times: {first}"
