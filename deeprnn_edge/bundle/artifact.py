"""Describe one file that runs: how it was made, how far it is from Keras, and what it costs on real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Parity:
    """Say how an artifact answered beside Keras when it was made: absolute differences, relative tolerance 0.

    Attributes:
        max_abs_diff: the largest difference of any output.
        atol: what was allowed.
        label_flips: rows whose label was not Keras's.
        cases: how many were compared.
        reason: why ``atol`` is not the usual one.
        keras_error: the largest difference of Keras's own float32 answers from those in float64; None where unknown.
        own_error: the same of the artifact's.
    """

    max_abs_diff: float
    atol: float
    label_flips: int
    cases: int
    reason: str | None = None
    keras_error: float | None = None
    own_error: float | None = None


Form = Literal["native", "bidirectional", "fused", "loop", "keras loop"]


@dataclass(frozen=True)
class LoweredLayer:
    """Say what became of one recurrent layer in a file.

    Attributes:
        layer: its path in the model.
        form: ``native`` (a node of its own a direction and cell), ``bidirectional`` (one node for both directions),
            ``fused`` (TFLite's LSTM kernel), ``loop`` (TFLite, some steps a turn), ``keras loop`` (as Keras
            itself steps, in ONNX a Loop).
        reason: why it kept Keras's loop.
    """

    layer: str
    form: Form
    reason: str | None = None


@dataclass(frozen=True)
class StoredTensor:
    """Say how one weight is stored in a file.

    Attributes:
        name: of the weight.
        precision: ``fp32``, ``fp16``, ``int8`` or ``int4``.
        size_bytes: of its numbers, with their scales.
        effect: the largest difference that storing this weight alone so made to an output; None where unmeasured.
        reason: why it is stored so.
    """

    name: str
    precision: str
    size_bytes: int
    effect: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """Say how an artifact did on the test rows of a data set, beside the Keras model that was given.

    Attributes:
        dataset: its name.
        rows: how many there were.
        accuracy: of the artifact, from 0 to 1.
        keras_accuracy: of the Keras model, from 0 to 1.
        accuracy_change_points: of the artifact against Keras, in percentage points; negative where it is worse.
        label_flips: rows whose label is not Keras's.
        mean_abs_diff: of the outputs.
        max_abs_diff: of the outputs.
    """

    dataset: str
    rows: int
    accuracy: float
    keras_accuracy: float
    accuracy_change_points: float
    label_flips: int
    mean_abs_diff: float
    max_abs_diff: float


@dataclass(frozen=True)
class Artifact:
    """Describe one file that runs: the same network in one format and precision.

    Attributes:
        path: its name in the bundle.
        format: such as ``onnx``; one that nothing here runs is no error of the bundle.
        precision: such as ``int8``.
        kind: ``sequence`` answers for whole sequences; ``stream`` for a chunk, its states going in and coming out.
        size_bytes: of the file.
        sha256: of the file, 64 hexadecimal digits.
        parity: how it answered beside Keras.
        accuracy: from 0 to 1, on the data that ``evaluation`` tells more of.
        operators: operator to count.
        recurrences: what became of each recurrent layer.
        evaluation: on the test rows of a data set.
        tensors: the weights of an ONNX file that is not all float32; what TFLite's converter stores, ``inspect`` reads.
        chunk: time steps of one call of a stream that takes so many; None where they are free.
        delegates: whether the runtime may hand operators on to libraries of its own choice; False where those refuse
            the file, which then runs without them.
    """

    path: str
    format: str
    precision: str
    kind: Literal["sequence", "stream"]
    size_bytes: int
    sha256: str
    parity: Parity
    accuracy: float | None = None
    operators: dict[str, int] | None = None
    recurrences: tuple[LoweredLayer, ...] = ()
    evaluation: Evaluation | None = None
    tensors: tuple[StoredTensor, ...] = ()
    chunk: int | None = None
    delegates: bool = True

    @property
    def is_exact(self) -> bool:
        """Return whether it has to decide every case as Keras does: what has fewer bits may differ near a tie."""
        return self.precision == "fp32"


@dataclass(frozen=True)
class MissingArtifact:
    """Describe a file that was asked for and could not be made.

    Attributes:
        path: that it would have had.
        format: as of an artifact.
        precision: as of an artifact.
        kind: as of an artifact.
        reason: why.
    """

    path: str
    format: str
    precision: str
    kind: Literal["sequence", "stream"]
    reason: str
