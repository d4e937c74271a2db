"""How often an artifact is right on real data."""

from __future__ import annotations

import numpy as np

from deeprnn_edge.parity import decide
from deeprnn_edge.sessions import open_session
from deeprnn_export.datasets import Dataset
from deeprnn_export.signature import Signature


def measure_accuracy(content: bytes, kind: str, path: str, dataset: Dataset, signature: Signature) -> float:
    """The share of a data set's test rows whose label an artifact gets right, in its own runtime."""
    spec, output = signature.inputs[0], signature.outputs[0]
    session = open_session(content, kind=kind, path=path)
    answers = session.run({spec.name: dataset.x_test.astype(spec.dtype)})[output.name]
    return float(np.mean(decide(answers) == dataset.y_test))
