"""Say what a runtime does for a model: one interface over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.inputs.arrays import Arrays


class Stepper(Protocol):
    """Hold the states of one stream, of some rows. It belongs to one thread at a time.

    Attributes:
        state: the current arrays by state name, ``(rows, ...)``; what is written into them is what the next step sees.
    """

    state: dict[str, NDArray[Any]]

    def advance(self, arrays: Arrays, /) -> dict[str, NDArray[Any]]:
        """Return new arrays of the model's outputs after a chunk of checked inputs.

        An error leaves the states as they were.
        """
        ...


class Session(Protocol):
    """Run a model."""

    @property
    def fixed_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Return the only shape that an input takes, by its name; none where batch and time are free."""
        ...

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model: arrays of its own inputs to arrays of its outputs, both by name."""
        ...

    def run_plain(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run it as an app does that has the library alone: what that keeps from one call to the next stays."""
        ...

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """Return the file's inputs and outputs; an axis of any size is a name."""
        ...

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None) -> Stepper:
        """Make new states for a stream, in the session of a stream artifact.

        Args:
            spec: what the stream takes and gives.
            rows: of the stream.
            chunk: the artifact's own, time steps of one call; None where they are free.
        """
        ...
