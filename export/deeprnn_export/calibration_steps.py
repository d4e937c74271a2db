"""What a stream meets on real sequences: chunks of them, and the states that the ones before leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.manifest import StreamSpec
from deeprnn_edge.sessions import open_session
from deeprnn_export.calibration import ROWS

Feed = dict[str, NDArray[Any]]


def calibration_steps(exact: bytes, spec: StreamSpec, sequences: Sequence[Feed]) -> list[Feed]:
    """Feeds of a stream, its states among them, from anywhere in the sequences: as many as of whole ones.

    exact: the stream in float32, as TFLite.
    sequences: feeds of one row each.
    """
    session = open_session(exact, kind="tflite", path="the stream in float32")
    timed = next(one for one in spec.inputs if "time" in one.shape)
    chunk = session.fixed_shapes[timed.name][1]
    feeds: list[Feed] = []
    for sequence in sequences:
        states: Feed = {
            state.name: np.full(session.fixed_shapes[state.name], state.initial, state.dtype) for state in spec.states
        }
        for start in range(0, sequence[timed.name].shape[1] - chunk + 1, chunk):
            own = {
                one.name: sequence[one.name][:, start : start + chunk] if "time" in one.shape else sequence[one.name]
                for one in spec.inputs
            }
            feeds.append(own | states)
            answer = session.run(feeds[-1])
            states = {state.name: answer[state.next_name] for state in spec.states}
    chosen = np.linspace(0, len(feeds) - 1, min(ROWS, len(feeds))).astype(int)
    return [feeds[index] for index in chosen]
