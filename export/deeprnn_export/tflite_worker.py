"""The TFLite converter as a program: ``python -m deeprnn_export.tflite_worker SAVED_MODEL TARGET``."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf


def main(saved_model: str, target: str) -> None:
    """Convert a SavedModel to a TFLite file in float32."""
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    # Builtin operators alone: with SELECT_TF_OPS a file is written that LiteRT cannot run.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    Path(target).write_bytes(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
