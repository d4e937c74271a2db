"""Make the files of a network, each as the users of that route would make it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.entries import FILES
from benchmarks.peers.job import MADE, Job
from benchmarks.peers.networks import answer, build, make_inputs, weights_of
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_export import export
from deeprnn_export.targets.tflite.converter_process import convert


def make_files(job: Job) -> dict[str, str | None]:
    """Make a network's files: by route None, or in one line why there is no file.

    It is written to ``made.json`` after each route, too: a converter may end its process. Before them, each workload
    leaves ``<name>.npz`` with ``inputs``, ``(calls, batch, steps)`` ids or ``(calls, batch, steps, features)``, and
    Keras's ``answers``, ``(calls, batch, outputs)``.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    model = build(job.network)
    for workload in job.workloads:
        inputs = make_inputs(workload)
        np.savez(job.folder / f"{workload.name}.npz", inputs=inputs, answers=answer(model, inputs), allow_pickle=False)
    made: dict[str, str | None] = {}
    for route, make in ROUTES.items():
        if route in job.wanted:
            made[route] = _attempt(make, model, job.folder / FILES[route])
            write_output(job.folder / MADE, json.dumps(made))
    return made


def _attempt(make: Callable[[keras.Model, Path], object], model: keras.Model, target: Path) -> str | None:
    try:
        # Some of the converters write to stdout, which is for the result.
        with contextlib.redirect_stdout(io.StringIO()):
            make(model, target)
    except Exception as error:  # noqa: BLE001 - the routes have no common exception; it becomes the row's reason
        said = str(error).strip().splitlines() or [""]
        return f"{type(error).__name__}: {said[0]}"[:300]
    return None


def _make_ours(model: keras.Model, target: Path) -> None:
    export(model, target, max_length=model.inputs[0].shape[1])


def _make_ours_int8(model: keras.Model, target: Path) -> None:
    export(model, target, formats=["onnx"], precisions=["fp32", "int8"], max_length=model.inputs[0].shape[1])


def _make_ours_stream(model: keras.Model, target: Path) -> None:
    export(model, target, max_length=model.inputs[0].shape[1], stream=True)


def _make_weights(model: keras.Model, target: Path) -> None:
    np.savez(target, allow_pickle=False, **weights_of(model))


def _make_keras(model: keras.Model, target: Path) -> None:
    model.save(target)


def _make_keras_onnx(model: keras.Model, target: Path) -> None:
    model.export(str(target), format="onnx", verbose=False)


def _make_tf2onnx(model: keras.Model, target: Path) -> None:
    """Make it as the converter's own example does, without an override, a plan or a clean-up."""
    import tf2onnx

    spec = [tf.TensorSpec((None, *one.shape[1:]), one.dtype, one.name) for one in model.inputs]
    function = tf.function(lambda inputs: model(inputs, training=False), input_signature=spec)
    tf2onnx.convert.from_function(function, input_signature=spec, output_path=str(target))


def _make_stock_tflite(model: keras.Model, target: Path) -> None:
    """Make it by the stock converter on one fixed shape, batch 1: a free one needs TensorFlow's Flex."""
    target.write_bytes(_convert(model, target.with_suffix(".saved_model")))


def _make_unrolled_tflite(model: keras.Model, target: Path) -> None:
    """Make the same with Keras's own ``unroll=True``."""

    def unrolled(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        return layer.__class__.from_config(config | {"unroll": True} if "unroll" in config else config)

    other = keras.models.clone_model(model, clone_function=unrolled)
    other.set_weights(model.get_weights())
    target.write_bytes(_convert(other, target.with_suffix(".saved_model")))


def _convert(model: keras.Model, saved_model: Path) -> bytes:
    (given,) = model.inputs
    spec = tf.TensorSpec((1, *given.shape[1:]), given.dtype, given.name)

    @tf.function(input_signature=[spec], autograph=False)
    def forward(inputs: Any) -> dict[str, Any]:
        return {"answer": model(inputs, training=False)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", forward)
    archive.write_out(str(saved_model), verbose=False)
    return convert(str(saved_model))


# In this order: what is likeliest to end the process comes last.
ROUTES: dict[str, Callable[[keras.Model, Path], object]] = {
    "weights": _make_weights,
    "keras": _make_keras,
    "ours": _make_ours,
    "ours-int8": _make_ours_int8,
    "ours-stream": _make_ours_stream,
    "keras-onnx": _make_keras_onnx,
    "tf2onnx": _make_tf2onnx,
    "stock-tflite": _make_stock_tflite,
    "unrolled-tflite": _make_unrolled_tflite,
}
