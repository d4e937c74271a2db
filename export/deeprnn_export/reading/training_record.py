"""Write and read what training leaves beside a model: ``gru.training.json`` beside ``gru.keras``.

An export reads from it how raw input becomes ids, which words the ids stand for and what the classes are
called; ``train --resume`` reads what the model was trained on and how.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.files.strict_json import decode, parse

FORMAT_VERSION = 1

# The manifest's decoder refuses booleans, which Python takes for numbers; as one of two values it knows them.
Flag = Literal[False, True]


@dataclass(frozen=True)
class Epoch:
    """Hold one pass over the training rows. Losses in nats, accuracies from 0 to 1."""

    number: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True)
class TrainingOptions:
    """Hold how a model is built and trained, by the names of the command's options, whose defaults these are.

    Attributes:
        mask: for ids and features alike; padding then changes nothing, and the device does not compute it.
    """

    data: str = "reviews"
    vocabulary: str | None = None
    cell: str = "gru"
    units: tuple[int, ...] = (32, 16)
    embedding_size: int = 32
    vocabulary_size: int = 10_000
    max_length: int | None = None
    mask: Flag = True
    bidirectional: Flag = False
    dropout: float = 0.0
    word_dropout: float = 0.25
    learning_rate: float = 0.001
    epochs: int = 5
    batch_size: int = 32
    validation_split: float = 0.2
    early_stopping: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class TrainingRecord:
    """Hold a trained model's origin.

    Attributes:
        words: the vocabulary by rank, the most frequent word first; empty where the input is not text.
        best_epoch: the number of the epoch whose weights the model has.
        test_accuracy, baseline_accuracy: from 0 to 1; the baseline is naive Bayes, for ids alone.
    """

    name: str
    dataset: str
    preprocessing: Preprocessing
    words: tuple[str, ...]
    labels: tuple[str, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    test_accuracy: float
    baseline_accuracy: float | None
    options: TrainingOptions
    format_version: int = FORMAT_VERSION


def record_path(model_path: Path) -> Path:
    """Return where the record of a model is: ``models/gru.keras`` has ``models/gru.training.json``."""
    return model_path.with_suffix(".training.json")


def write_record(model_path: Path, record: TrainingRecord) -> None:
    """Write the record beside the model, whole or not at all.

    Raises:
        InputError: where that fails.
    """
    text = json.dumps(dataclasses.asdict(record), indent=2, ensure_ascii=False)
    write_output(record_path(model_path), text + "\n")


def read_record(model_path: Path) -> TrainingRecord | None:
    """Read the record beside a model, or None where there is none.

    Raises:
        InputError: for one that is damaged.
    """
    path = record_path(model_path)
    try:
        raw = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; train again, or delete it") from error
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path} has format_version {version!r}; this release reads {FORMAT_VERSION}. Train again, or delete it"
        )
    try:
        record: TrainingRecord = decode(TrainingRecord, raw, path.name)
    except BundleError as error:
        raise InputError(f"{error}; train again, or delete {path}") from error
    if not 1 <= record.best_epoch <= len(record.history):
        raise InputError(f"{path}: best_epoch is {record.best_epoch} of {len(record.history)} epochs; train again")
    return record
