"""Count, take and join steps along the time axis of a model's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.inputs.arrays import Arrays


def count_steps(specs: Sequence[TensorSpec], arrays: Arrays) -> int:
    """Return how many time steps inputs have, of which at least one has a free time axis."""
    return next(int(arrays[spec.name].shape[1]) for spec in specs if "time" in spec.shape)


def take_steps(specs: Sequence[TensorSpec], arrays: Arrays, start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Return the steps from ``start`` to ``stop`` of inputs with a time axis, and the others as they are."""
    return {
        spec.name: np.ascontiguousarray(arrays[spec.name][:, start:stop]) if "time" in spec.shape else arrays[spec.name]
        for spec in specs
    }


def join_steps(specs: Sequence[TensorSpec], answers: Sequence[Arrays]) -> dict[str, NDArray[Any]]:
    """Return the outputs for parts of a sequence as those for the whole: every step's joined, the last of others."""
    return {
        spec.name: np.concatenate([answer[spec.name] for answer in answers], axis=1)
        if "time" in spec.shape
        else answers[-1][spec.name]
        for spec in specs
    }
