"""The record beside a model: what is written is what is read, and anything else is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_export.reading.training_record import (
    Epoch,
    TrainingOptions,
    TrainingRecord,
    read_record,
    record_path,
    write_record,
)


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    """No model is built here, so there is no Keras session to clear, which takes longer than these tests."""


RECORD = TrainingRecord(
    name="gru",
    dataset="own",
    preprocessing=Preprocessing("text", vocabulary="vocabulary.txt", max_length=9, padding="post"),
    words=("the", "naïve"),
    labels=("no", "yes"),
    history=(Epoch(1, 0.5, 0.75, 0.6, 0.7, 1.5), Epoch(2, 0.4, 1.0, 0.7, 0.6, 1.25)),
    best_epoch=1,
    test_accuracy=0.71,
    baseline_accuracy=None,
    options=TrainingOptions(data="own.csv", units=(3, 2), mask=False, early_stopping=2),
)


@pytest.mark.parametrize("baseline", [None, 0.5, 1.0])
def test_what_is_written_is_read(tmp_path: Path, baseline: float | None) -> None:
    record = dataclasses.replace(RECORD, baseline_accuracy=baseline)
    write_record(tmp_path / "gru.keras", record)
    assert read_record(tmp_path / "gru.keras") == record
    assert [path.name for path in tmp_path.iterdir()] == ["gru.training.json"]


def test_its_place_is_beside_the_model() -> None:
    assert record_path(Path("models/gru.v2.keras")) == Path("models/gru.v2.training.json")


def test_a_model_without_a_record(tmp_path: Path) -> None:
    assert read_record(tmp_path / "gru.keras") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format_version 2; this release reads 1"),
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"labels": None}, "labels is None"),
        ({"test_accuracy": "high"}, "test_accuracy is 'high', expected float"),
        ({"best_epoch": 3}, "best_epoch is 3 of 2 epochs"),
        ({"best_epoch": 0}, "best_epoch is 0"),
        ({"history": [{"number": 1}]}, r"history\[0\] lacks the field 'loss'"),
        ({"options": {"mask": "maybe"}}, "options.mask is 'maybe'"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "gru.training.json"
    path.write_text(json.dumps(dataclasses.asdict(RECORD) | change))
    with pytest.raises(InputError, match=message):
        read_record(tmp_path / "gru.keras")


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_a_file_that_is_no_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "gru.training.json").write_text(content)
    with pytest.raises(InputError, match=r"gru\.training\.json"):
        read_record(tmp_path / "gru.keras")


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_record(tmp_path / "nowhere" / "gru.keras", RECORD)
