"""Run the TFLite converter as a program.

``python -m deeprnn_export.targets.tflite.converter_process`` reads one conversion a line, a JSON list ``[SAVED_MODEL,
TARGET, PRECISION]`` or ``[SAVED_MODEL, TARGET, PRECISION, SAMPLES]``, and writes 0, or 1 where stderr says why not.

SAMPLES is a ``.npz`` for the precisions that are calibrated: ``names``, and in their order ``arr_0``, ``arr_1``,
each of ``(rows, ...)``. A file is run once after it is written: LiteRT aborts its process at some of what the
converter makes, and here that is this process. PRECISION ``try`` converts nothing: it runs TARGET, which is there,
without the delegates of LiteRT.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.runtimes.tflite.session import TFLiteSession

TRY = "try"
Samples = dict[str, NDArray[Any]]


def convert(saved_model: str, precision: str = "fp32", samples: Samples | None = None) -> bytes:
    """Convert a SavedModel to the content of a TFLite file; inputs and outputs keep their dtypes in every precision.

    Args:
        samples: input name to ``(rows, ...)``, for ``int8-full`` and ``int16x8``.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    # Builtin operators alone: with SELECT_TF_OPS a file is written that LiteRT cannot run.
    operators = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8-full":
        operators = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if precision == "int16x8":
        # The plain ones for what has no form in 16 bits and needs none: masks are made of ids by a CAST.
        operators.insert(0, tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8)
    if samples is not None:
        converter.representative_dataset = lambda: _rows(samples)
    converter.target_spec.supported_ops = operators
    content: bytes = converter.convert()
    return content


def try_out(content: bytes, samples: Samples | None = None, *, delegates: bool = True) -> None:
    """Run a file once, on the first sample or on zeros, which are ids too."""
    session = TFLiteSession(content, "model.tflite", delegates=delegates)
    session.run(
        {name: np.zeros(shape, np.int32) for name, shape in session.fixed_shapes.items()}
        if samples is None
        else next(_rows(samples))
    )


def _rows(samples: Samples) -> Iterator[Samples]:
    """Yield rows by name, each a batch of 1: the order of a signature's inputs is the converter's own."""
    for row in range(len(next(iter(samples.values())))):
        yield {name: array[row : row + 1] for name, array in samples.items()}


def read_samples(path: str) -> Samples:
    """Read the samples as the conversion wrote them; their names may be none that an archive's member can have."""
    with np.load(path, allow_pickle=False) as file:
        return {str(name): file[f"arr_{index}"] for index, name in enumerate(file["names"])}


def _convert(saved_model: str, target: str, precision: str, path: str | None = None) -> None:
    samples = None if path is None else read_samples(path)
    if precision == TRY:
        try_out(Path(target).read_bytes(), samples, delegates=False)
        return
    content = convert(saved_model, precision, samples)
    Path(target).write_bytes(content)
    try_out(content, samples)


def _main() -> None:
    # What libraries print belongs to stderr; the answers have a way of their own.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            try:
                _convert(*json.loads(line))
                code = 0
            except Exception:  # noqa: BLE001 - of many kinds; the process that asked reads them
                traceback.print_exc()
                code = 1
            print(code, file=answers, flush=True)


if __name__ == "__main__":
    _main()
