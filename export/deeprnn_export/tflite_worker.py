"""The TFLite converter as a program: ``python -m deeprnn_export.tflite_worker SAVED_MODEL TARGET``."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf


def convert(saved_model: str) -> bytes:
    """A SavedModel as the content of a TFLite file, in float32."""
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    # Builtin operators alone: with SELECT_TF_OPS a file is written that LiteRT cannot run.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    content: bytes = converter.convert()
    return content


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(convert(sys.argv[1]))
