"""Describe what goes into a file that runs and what comes out: inputs, outputs, and the states of a stream."""

from __future__ import annotations

from dataclasses import dataclass

# The first free time axis; another that may be of another length is ``time_2`` and so on.
TIME = "time"


@dataclass(frozen=True)
class TensorSpec:
    """Describe one input or output of the model.

    Attributes:
        name: of the input or output.
        dtype: numpy's name of it.
        shape: a symbolic axis is its name, ``batch`` or ``time``; axes of one name are of one size.
        id_count: for an input of ids, how many there are: ids lie in ``[0, id_count)``; else None.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    id_count: int | None = None


def is_time(size: int | str) -> bool:
    """Return whether an axis is a free time axis."""
    return isinstance(size, str) and size.startswith(TIME)


@dataclass(frozen=True)
class StateSpec:
    """Describe what one layer hands from chunk to chunk: an input of the stream artifacts, and the output behind it.

    Attributes:
        name: the input's, such as ``state_lstm_1_h``.
        next_name: the output's, ``next_state_lstm_1_h``, of the same shape and dtype.
        layer: its path in the model.
        shape: ``(batch, units)``; of a causal convolution's context ``(batch, steps, features)``.
        initial: what every element is before the first step.
        dtype: numpy's name of it.
    """

    name: str
    next_name: str
    layer: str
    shape: tuple[int | str, ...]
    initial: float = 0.0
    dtype: str = "float32"


@dataclass(frozen=True)
class StreamSpec:
    """Describe what the stream artifacts take and give.

    Attributes:
        inputs: the model's own with the time axis free, also where the model was built for a fixed one.
        outputs: the model's own, likewise.
        states: further inputs and outputs, in this order behind those.
        skips_padding: whether a step of id 0 leaves the states as they were.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    states: tuple[StateSpec, ...]
    skips_padding: bool
