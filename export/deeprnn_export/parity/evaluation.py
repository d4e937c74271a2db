"""Measure what an artifact costs on real data: its accuracy, and its distance from Keras, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Evaluation
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.names import decide
from deeprnn_edge.parity.replay import Replay
from deeprnn_export.datasets.catalogue import NAMES, VOCABULARY_SIZE, Dataset, load_dataset
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature

# Activations of 1,000 rows of 100 steps fit any machine; larger batches are no faster.
_BATCH = 1_000


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Reference:
    """Hold a data set's test rows, and what the given Keras model answers to them: ``(rows, ...)`` probabilities."""

    dataset: Dataset
    answers: NDArray[Any]


def load_evaluation(data: Dataset | str | Path, signature: Signature, rules: InputRules, *, chunk: int = 1) -> Dataset:
    """Load a data set that a model of this signature can answer, with the model's own length and vocabulary.

    Args:
        chunk: steps of which a TFLite stream takes multiples.

    Raises:
        InputError: where the model has several inputs or outputs, or takes another shape or other labels.
    """
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        raise InputError("accuracy is measured for models of one input and one output; leave evaluate= out")
    (spec,), (output,) = signature.inputs, signature.outputs
    if isinstance(data, Dataset):
        dataset = data
    else:
        size = VOCABULARY_SIZE if spec.id_count is None else spec.id_count
        how, words = rules.preprocessing, rules.vocabulary
        dataset = load_dataset(data, max_length=how.max_length, vocabulary_size=size, words=words, rules=how)
        # The ids of a data set with a name stand for its own words.
        theirs = Preprocessing("text")
        own = any(getattr(how, one) != getattr(theirs, one) for one in ("start_id", "oov_id", "index_offset"))
        if data in NAMES and words and dataset.words and (own or words[: len(dataset.words)] != dataset.words):
            raise InputError(
                f"the ids of {data} stand for other words than the model's: evaluate it on a .csv of texts, or on a "
                ".npz of its own ids"
            )
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
    if shape[1] % chunk:
        raise InputError(
            f"{dataset.name} has rows of {shape[1]} steps, no multiple of chunk={chunk}: choose a chunk that divides "
            "them, or leave evaluate= out"
        )
    return dataset


def ask_keras(
    model: keras.Model, signature: Signature, dataset: Dataset, *, progress: Callable[[str], None] = lambda _: None
) -> Reference:
    """Ask Keras the test rows."""
    batches = [GridCase(f"rows from {start:,}", feed) for start, feed in _batches(dataset.x_test, signature)]
    cases = keras_answers(model, signature, batches, progress=progress)
    answers = np.concatenate([case.outputs[signature.outputs[0].name] for case in cases])
    return Reference(dataset, answers[: len(dataset.x_test)])


def evaluate_file(
    replay: Replay,
    reference: Reference,
    signature: Signature,
    *,
    prepare: Callable[[NDArray[Any]], NDArray[Any]],
) -> Evaluation:
    """Run an artifact on the test rows, in its own runtime, and hold it beside Keras and the labels.

    Args:
        signature: of the model.
        prepare: what becomes of the data set's rows before the artifact sees them, such as words cut from its table.
    """
    rows, labels = prepare(reference.dataset.x_test), reference.dataset.y_test
    output = signature.outputs[0].name
    answers = np.concatenate([replay.whole(feed)[output] for _, feed in _batches(rows, signature)])[: len(rows)]
    decided, expected = decide(answers), decide(reference.answers)
    right, keras_right = int(np.count_nonzero(decided == labels)), int(np.count_nonzero(expected == labels))
    differences = np.abs(answers.astype(np.float64) - reference.answers)
    return Evaluation(
        dataset=reference.dataset.name,
        rows=len(rows),
        accuracy=right / len(rows),
        keras_accuracy=keras_right / len(rows),
        accuracy_change_points=100 * (right - keras_right) / len(rows),
        label_flips=int(np.count_nonzero(decided != expected)),
        mean_abs_diff=float(differences.mean()),
        max_abs_diff=float(differences.max()),
    )


def _batches(rows: NDArray[Any], signature: Signature) -> list[tuple[int, dict[str, NDArray[Any]]]]:
    """Cut the rows into feeds; for a model of a fixed batch the last is filled up with the first row."""
    (spec,) = signature.inputs
    size = spec.shape[0] if isinstance(spec.shape[0], int) else _BATCH
    missing = -len(rows) % size if isinstance(spec.shape[0], int) else 0
    filled = np.concatenate([rows, np.repeat(rows[:1], missing, axis=0)]).astype(spec.dtype)
    return [(start, {spec.name: filled[start : start + size]}) for start in range(0, len(filled), size)]
