"""Run Keras itself, on TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from benchmarks.peers.engines.opened import Call, Opened
from benchmarks.peers.workloads import Workload


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open the file ``path``: ``function`` compiles a tf.function; ``predict`` is ``model.predict``."""
    tf.config.threading.set_intra_op_parallelism_threads(workload.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras.saving.load_model(path, compile=False)
    if workload.streams and variant == "function":
        model = _stateful(model, workload.batch)
    calls: dict[str, Call] = {
        "function": _compiled(model),
        "predict": lambda inputs: model.predict(inputs, verbose=0),
    }
    return Opened(calls[variant], path.stat().st_size, carries=workload.streams and variant == "function")


def _compiled(model: keras.Model) -> Call:
    function = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    return lambda inputs: function(tf.constant(inputs)).numpy()


def _stateful(model: keras.Model, batch: int) -> keras.Model:
    """Build the model for single steps, whose layers keep their states: Keras's own way to stream."""
    inputs = x = keras.Input((1, *model.inputs[0].shape[2:]), batch_size=batch, dtype=model.inputs[0].dtype)
    for layer in model.layers[1:]:
        config: dict[str, Any] = layer.get_config()
        x = layer.__class__.from_config(config | {"stateful": True} if "stateful" in config else config)(x)
    stateful = keras.Model(inputs, x)
    stateful.set_weights(model.get_weights())
    return stateful
