"""How often an artifact is right on real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deeprnn_edge.errors import InputError
from deeprnn_edge.parity import decide
from deeprnn_edge.sessions import open_session
from deeprnn_export.datasets import VOCABULARY_SIZE, Dataset, load_dataset
from deeprnn_export.input_rules import InputRules
from deeprnn_export.signature import Signature


def load_evaluation(data: Dataset | str | Path, signature: Signature, rules: InputRules) -> Dataset:
    """A data set that a model of this signature can answer, loaded with the model's own length and vocabulary.

    Raises InputError where the model has several inputs or outputs, or takes another shape or other labels.
    """
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        raise InputError("accuracy is measured for models of one input and one output; leave --evaluate out")
    (spec,), (output,) = signature.inputs, signature.outputs
    if isinstance(data, Dataset):
        dataset = data
    else:
        size = VOCABULARY_SIZE if spec.id_count is None else spec.id_count
        dataset = load_dataset(data, max_length=rules.preprocessing.max_length, vocabulary_size=size)
    shape = dataset.x_test.shape
    fits = len(shape) == len(spec.shape) and all(
        isinstance(size, str) or size == given for size, given in zip(spec.shape[1:], shape[1:], strict=True)
    )
    classes = 2 if output.shape[-1] == 1 else output.shape[-1]
    if not fits or classes != len(dataset.labels):
        raise InputError(
            f"{dataset.name} has rows of {shape[1:]} with {len(dataset.labels)} labels; the model takes "
            f"({', '.join(map(str, spec.shape))}) and tells {classes} apart: evaluate it on data like its own"
        )
    return dataset


def measure_accuracy(content: bytes, kind: str, path: str, dataset: Dataset, signature: Signature) -> float:
    """The share of a data set's test rows whose label an artifact gets right, in its own runtime."""
    spec, output = signature.inputs[0], signature.outputs[0]
    session = open_session(content, kind=kind, path=path)
    answers = session.run({spec.name: dataset.x_test.astype(spec.dtype)})[output.name]
    return float(np.mean(decide(answers) == dataset.y_test))
