"""One artifact, ready to run: the same interface over ONNX Runtime and LiteRT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import Artifact, StreamSpec, TensorSpec
from deeprnn_edge.runtimes.interface import check_interface

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


def open_session(content: bytes, *, kind: str, path: str, threads: int = 1, steps: bool = False) -> Session:
    """A session on the content of a file.

    kind: ``onnx`` or ``tflite``.
    path: its name, for messages.
    steps: whether it is a stream, which is called for single steps.

    Raises BundleError where the runtime does not accept it, MissingExtraError where it is not installed.
    """
    if kind == "onnx":
        from deeprnn_edge.runtimes.onnx.session import OnnxSession

        return OnnxSession(content, path, threads=threads, steps=steps)
    from deeprnn_edge.runtimes.tflite.session import TFLiteSession

    return TFLiteSession(content, path, threads=threads)


def open_artifact(bundle: Bundle, artifact: Artifact, *, threads: int = 1) -> Session:
    """A session on a bundle's artifact, once its hash holds. Raises BundleError where its interface is another too."""
    session = open_content(bundle.read_artifact(artifact), artifact, threads=threads)
    check_interface(bundle.manifest, artifact, *session.interface())
    return session


def open_content(content: bytes, artifact: Artifact, *, threads: int = 1) -> Session:
    """A session on an artifact's content, which was read before. Raises what ``open_session`` does."""
    steps = artifact.kind == "stream"
    return open_session(content, kind=artifact.format, path=artifact.path, threads=threads, steps=steps)
