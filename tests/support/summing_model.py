"""A model without a bundle: a session stands in that shows what it got."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from deeprnn_edge.bundle.artifact import Artifact, Parity
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import FORMAT_VERSION, Architecture, Manifest, Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.inference.model import Model


class Summing:
    """Answers the sum over time, so that any padding but zero shows; ``every_step`` answers each step."""

    fixed_shapes: ClassVar[dict[str, tuple[int, ...]]] = {}

    def __init__(self, *, every_step: bool = False) -> None:
        self.every_step = every_step
        self.shapes: list[tuple[int, ...]] = []

    def run(self, feeds: Any) -> dict[str, Any]:
        (array,) = feeds.values()
        self.shapes.append(array.shape)
        return {"y": array if self.every_step else array.sum(axis=1)}


def make(session: Summing, rules: Preprocessing, *, time: int | str = "time") -> Model:
    artifact = Artifact("model.onnx", "onnx", "fp32", "sequence", 0, "", Parity(0, 0, 0, 0))
    manifest = Manifest(
        FORMAT_VERSION,
        "test",
        {},
        (TensorSpec("x", "float32", ("batch", time, 2)),),
        (),
        Architecture((), 0),
        rules,
        (),
        (artifact,),
    )
    return Model(Bundle(Path(), manifest), artifact, session)
