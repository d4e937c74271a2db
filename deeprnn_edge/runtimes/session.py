"""One artifact, ready to run: the same interface over ONNX Runtime and LiteRT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import StreamSpec, TensorSpec

Arrays = Mapping[str, NDArray[Any]]


class Stepper(Protocol):
    """The states of one stream, of some rows. It belongs to one thread at a time.

    state: the current arrays by state name, ``(rows, ...)``; what is written into them is what the next step sees.
    """

    state: dict[str, NDArray[Any]]

    def advance(self, arrays: Arrays, /) -> dict[str, NDArray[Any]]:
        """Checked arrays of a chunk's inputs to new arrays of the model's outputs after it.

        An error leaves the states as they were.
        """
        ...


class Session(Protocol):
    """What a runtime does for a model."""

    @property
    def fixed_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Input name to the only shape it takes; empty where batch and time are free."""
        ...

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Arrays of the model's own inputs to arrays of its outputs, both by name."""
        ...

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """The file's inputs and outputs; an axis of any size is a name."""
        ...

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None) -> Stepper:
        """New states for a stream of so many rows, in the session of a stream artifact.

        chunk: the artifact's own, time steps of one call; None where they are free.
        """
        ...
