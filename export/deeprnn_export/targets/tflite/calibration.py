"""Cut real sequences into what a stream meets: chunks, and the states that the ones before leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.inputs.time_axis import count_steps, take_steps
from deeprnn_edge.runtimes.tflite.session import TFLiteSession
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.targets.conversion_input import CALIBRATION_ROWS

Feed = dict[str, NDArray[Any]]


def calibration_steps(exact: Conversion, spec: StreamSpec, sequences: Sequence[Feed]) -> list[Feed]:
    """Make feeds of a stream, its states among them, from anywhere in the sequences: as many as of whole ones.

    Args:
        exact: the stream in float32, as TFLite.
        sequences: feeds of one row each.
    """
    session = TFLiteSession(exact.content, "the stream in float32", delegates=exact.delegates)
    timed = next(one for one in spec.inputs if "time" in one.shape)
    chunk = session.fixed_shapes[timed.name][1]
    feeds: list[Feed] = []
    for sequence in sequences:
        stepper = session.stepper(spec, rows=1, chunk=chunk)
        for start in range(0, count_steps(spec.inputs, sequence) - chunk + 1, chunk):
            own = take_steps(spec.inputs, sequence, start, start + chunk)
            feeds.append(own | {name: array.copy() for name, array in stepper.state.items()})
            stepper.advance(own)
    chosen = np.linspace(0, len(feeds) - 1, min(CALIBRATION_ROWS, len(feeds))).astype(int)
    return [feeds[index] for index in chosen]
