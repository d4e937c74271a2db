"""One artifact, ready to run: the same interface over ONNX Runtime and LiteRT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from deeprnn_edge.bundle import Bundle
from deeprnn_edge.manifest import Artifact

Arrays = Mapping[str, NDArray[Any]]


class Session(Protocol):
    """What a runtime does for a model."""

    @property
    def fixed_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Input name to the only shape it takes; empty where batch and time are free."""
        ...

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Arrays of the model's own inputs to arrays of its outputs, both by name."""
        ...


def open_session(content: bytes, *, kind: str, path: str, threads: int = 1) -> Session:
    """A session on the content of a file.

    kind: ``onnx`` or ``tflite``.
    path: its name, for messages.

    Raises BundleError where the runtime does not accept it, MissingExtraError where it is not installed.
    """
    if kind == "onnx":
        from deeprnn_edge.onnx_session import OnnxSession

        return OnnxSession(content, path, threads=threads)
    from deeprnn_edge.tflite_session import TFLiteSession

    return TFLiteSession(content, path, threads=threads)


def open_artifact(bundle: Bundle, artifact: Artifact, *, threads: int = 1) -> Session:
    """A session on a bundle's artifact, once its hash holds."""
    content = bundle.read_artifact(artifact)
    return open_session(content, kind=artifact.format, path=artifact.path, threads=threads)
