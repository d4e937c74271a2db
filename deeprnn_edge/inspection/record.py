"""Hold what a path is made of: the result that every reader gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deeprnn_edge.bundle.artifact import LoweredLayer, StoredTensor
from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.bundle.manifest import Layer
from deeprnn_edge.bundle.tensors import StateSpec, TensorSpec
from deeprnn_edge.runtimes.file_inspection import FileInspection


@dataclass(frozen=True)
class Inspection:
    """Describe what a path holds.

    Attributes:
        path: what was given.
        kind: ``bundle``, ``onnx``, ``tflite``, or a registered format such as ``keras``.
        size_bytes: of the file; of a bundle's directory, all the files in it.
        inputs: the model's, by its manifest where it has one.
        outputs: the model's, likewise.
        layers: empty where the file does not say.
        artifacts: the files that run; one for a file alone.
        recurrences: of a bundle, what became of the recurrent layers in each artifact, by its path.
        stored: of a bundle, how the weights of each artifact of fewer bits are stored, by its path.
        states: of a bundle with stream artifacts, what these carry from chunk to chunk.
        raw: of a bundle, how raw values become its inputs.
        unchecked: of a bundle, the files that a device reads and that its manifest has no hash of.
    """

    path: str
    kind: str
    size_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layers: tuple[Layer, ...]
    artifacts: tuple[FileInspection, ...]
    recurrences: Mapping[str, tuple[LoweredLayer, ...]] = field(default_factory=dict)
    stored: Mapping[str, tuple[StoredTensor, ...]] = field(default_factory=dict)
    states: tuple[StateSpec, ...] = ()
    unchecked: tuple[str, ...] = ()
    raw: tuple[RawInput, ...] = ()
