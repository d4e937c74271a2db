"""Keras to TFLite: trace through the seam into a SavedModel, convert that in a process of its own, check."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_edge.tflite_file import inspect_tflite
from deeprnn_export.lowering import Conversion, lowered
from deeprnn_export.model_inputs import call
from deeprnn_export.plain_layers import bias_add
from deeprnn_export.refusals import lacks_operator, refusing
from deeprnn_export.seam import replaced
from deeprnn_export.signature import Signature, tensor_specs
from deeprnn_export.tflite_lowering import TFLiteLowering


def convert_to_tflite(model: keras.Model, signature: Signature, shapes: dict[str, tuple[int, ...]]) -> Conversion:
    """The model as a TFLite file's content, float32, of builtin operators alone.

    shapes: input name to its whole shape, batch 1 and time fixed: symbolic axes would need Flex.

    Raises UnsupportedModelError where the graph needs an operator that TFLite lacks, or where the
    converter crashes.
    """
    names = [spec.name for spec in signature.outputs]

    def forward(*inputs: Any) -> dict[str, Any]:
        return dict(zip(names, keras.tree.flatten(call(model, inputs)), strict=True))

    specs = tensor_specs(signature.inputs, fixed=shapes)
    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder:
        saved_model = Path(folder) / "saved_model"
        traced = refusing(f"the model {model.name!r} cannot be traced")
        with traced, replaced([(tf.nn, {"bias_add": bias_add})]), lowered(model, TFLiteLowering()) as recurrences:
            archive = keras.export.ExportArchive()
            archive.track(model)
            archive.add_endpoint("serve", tf.function(forward, input_signature=specs, autograph=False))
            archive.write_out(str(saved_model), verbose=False)
        content = _convert_apart(model, saved_model, Path(folder) / "model.tflite")
    foreign = inspect_tflite(content, "model.tflite").foreign
    if foreign:
        raise UnsupportedModelError(
            f"the TFLite form of model {model.name!r} needs {', '.join(sorted(foreign))}, "
            "which LiteRT runs with extra libraries only; export it with --format onnx alone"
        )
    return Conversion(content, tuple(recurrences))


def _convert_apart(model: keras.Model, saved_model: Path, target: Path) -> bytes:
    """Run the converter in a process of its own: it leaks (tensorflow#122598), and it may crash."""
    command = [sys.executable, "-m", "deeprnn_export.tflite_worker", str(saved_model), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return target.read_bytes()
    lacking = re.search(r'"(\w+):", "([^"@]+)@?[^"]*".*ERROR_NEEDS_(?:FLEX|CUSTOM)_OPS', done.stderr)
    if lacking:
        raise lacks_operator(model, "tflite", lacking[1], lacking[2])
    if done.returncode < 0:
        reason = f"the TFLite converter crashed with {signal.Signals(-done.returncode).name}"
    else:
        lines = done.stderr.strip().splitlines() or ["no reason"]
        reason = (
            f"the TFLite converter refused it: {([line for line in lines if 'error:' in line.lower()] or lines)[-1]}"
        )
    raise UnsupportedModelError(f"model {model.name!r}: {reason}; export it with --format onnx alone")
