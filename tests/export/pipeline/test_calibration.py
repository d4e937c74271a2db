"""Calibration data: where it is taken from, and what is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_export import build_network
from deeprnn_export.datasets.catalogue import Dataset, load_dataset
from deeprnn_export.pipeline.calibration import calibration_rows
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.reading.training_record import Epoch, TrainingOptions, TrainingRecord, write_record
from deeprnn_export.targets.conversion_input import CALIBRATION_ROWS

STEPS, WORDS, WIDTH = 9, 50, 4


def rows_of(model: keras.Model, given: Any = None, **options: Any) -> list[dict[str, NDArray[Any]]]:
    signature = read_signature(model)
    shapes = {
        spec.name: (1, *(STEPS if isinstance(size, str) else size for size in spec.shape[1:]))
        for spec in signature.inputs
    }
    defaults: dict[str, Any] = {"saved_at": None, "dataset": None, "sample": None}
    rules = InputRules(Preprocessing("tokens"))
    return calibration_rows(given, signature=signature, rules=rules, shapes=shapes, **defaults | options)


def reads_ids() -> keras.Model:
    return build_network("rnn", units=(3,), vocabulary_size=WORDS, steps=None)


def reads_features() -> keras.Model:
    return build_network("rnn", units=(3,), features=WIDTH, steps=STEPS)


def reads_both() -> keras.Model:
    inputs = [keras.Input((STEPS, WIDTH), name="x"), keras.Input((2,), name="extra")]
    return keras.Model(inputs, keras.layers.Concatenate()([keras.layers.GRU(3)(inputs[0]), inputs[1]]))


def ids(count: int, *, last: int = WORDS - 1) -> NDArray[np.int32]:
    values = np.random.default_rng(0).integers(1, WORDS, (count, STEPS)).astype(np.int32)
    values[-1, -1] = last
    return values


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A data set of ids, some beyond the model's table, with rows of several lengths."""
    random = np.random.default_rng(0)
    x = random.integers(1, 2 * WORDS, (300, 12)).astype(np.int32)
    x[::2, :5] = 0
    y = np.arange(300) % 2
    np.savez(tmp_path / "words.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    return tmp_path / "words.npz"


def record_of(model_path: Path, data: str) -> None:
    write_record(
        model_path,
        TrainingRecord(
            name="rnn",
            dataset="words",
            preprocessing=Preprocessing("tokens", max_length=STEPS),
            words=(),
            labels=("0", "1"),
            history=(Epoch(1, 0.5, 0.5, 0.5, 0.5, 1.0),),
            best_epoch=1,
            test_accuracy=0.5,
            baseline_accuracy=None,
            options=TrainingOptions(data=data),
        ),
    )


def assert_training_rows(feeds: list[dict[str, NDArray[Any]]], path: Path) -> None:
    train = {row.tobytes() for row in load_dataset(path, max_length=STEPS, vocabulary_size=WORDS).x_train}
    assert len(feeds) == CALIBRATION_ROWS
    assert all(feed["tokens"].shape == (1, STEPS) and feed["tokens"].dtype == np.int32 for feed in feeds)
    assert all(feed["tokens"].tobytes() in train for feed in feeds)
    assert max(int(feed["tokens"].max()) for feed in feeds) < WORDS


def test_a_data_set_is_cut_to_the_files_length_and_the_models_table(words: Path) -> None:
    assert_training_rows(rows_of(reads_ids(), str(words)), words)


def test_the_choice_of_rows_is_the_same_each_time(words: Path) -> None:
    first, second = rows_of(reads_ids(), words), rows_of(reads_ids(), words)
    assert all(np.array_equal(a["tokens"], b["tokens"]) for a, b in zip(first, second, strict=True))


def test_by_default_what_the_model_was_trained_on(words: Path, tmp_path: Path) -> None:
    record_of(tmp_path / "rnn.keras", str(words))
    feeds = rows_of(reads_ids(), saved_at=tmp_path / "rnn.keras", sample={"tokens": ids(3)})
    assert_training_rows(feeds, words)


@pytest.mark.parametrize("recorded", [None, "gone.npz"])
def test_else_the_data_of_the_evaluation(words: Path, tmp_path: Path, recorded: str | None) -> None:
    if recorded:
        record_of(tmp_path / "rnn.keras", str(tmp_path / recorded))
    # Loaded for a larger table, as before words were cut from it.
    dataset = load_dataset(words, max_length=STEPS, vocabulary_size=2 * WORDS)
    feeds = rows_of(reads_ids(), saved_at=tmp_path / "rnn.keras", dataset=dataset, sample={"tokens": ids(3)})
    assert_training_rows(feeds, words)


def test_else_the_sample() -> None:
    sample = ids(3)
    feeds = rows_of(reads_ids(), sample={"tokens": sample})
    np.testing.assert_array_equal(np.concatenate([feed["tokens"] for feed in feeds]), sample)


def test_else_a_refusal() -> None:
    with pytest.raises(InputError, match=r"int8-full and int16x8 are calibrated on real samples, .*calibration="):
        rows_of(reads_ids())


def test_a_data_set_by_name_for_features() -> None:
    model = build_network("rnn", units=(3,), features=12, head="multiclass", classes=9, steps=None)
    feeds = rows_of(model, "vowels")
    assert {feed["features"].shape for feed in feeds} == {(1, STEPS, 12)}


def test_arrays_for_several_inputs(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {"x": random.random((5, STEPS, WIDTH)), "extra": random.random((5, 2)).astype(np.float32)}
    np.savez(tmp_path / "arrays.npz", **arrays)
    for given in (arrays, list(arrays.values()), tmp_path / "arrays.npz"):
        feeds = rows_of(reads_both(), given)
        assert [feed["x"].dtype for feed in feeds] == [np.float32] * 5
        np.testing.assert_array_equal(np.concatenate([feed["extra"] for feed in feeds]), arrays["extra"])


def misfits() -> dict[str, tuple[Any, Any, str]]:
    features = np.zeros((3, STEPS, WIDTH), np.float32)
    infinite, missing = features.copy(), features.copy()
    infinite[1, 2, 3], missing[1, 2, 3] = np.inf, np.nan
    return {
        "table": (
            reads_ids,
            ids(4, last=WORDS),
            r"the calibration data cannot calibrate this model: .*has the id 50 in row 3; ids lie in \[0, 50\)",
        ),
        "steps": (reads_ids, ids(4)[:, 1:], r"has the shape \(4, 8\), expected \(batch, 9\)"),
        "width": (reads_features, features[:, :, 1:], r"has the shape \(3, 9, 3\), expected \(batch, 9, 4\)"),
        "dtype": (reads_ids, ids(4) / 2, "has the dtype float64, expected integers"),
        "missing": (reads_features, missing, "has a NaN in row 1"),
        "infinite": (reads_features, infinite, "input 'features' has a number in row 1 that is infinite"),
        "empty": (reads_features, features[:0], "has no rows"),
        "names": (reads_both, {"x": features}, r"got the inputs \['x'\], expected \['extra', 'x'\]"),
        "unequal": (reads_both, [features, np.zeros((2, 2))], "different numbers of rows"),
        "several inputs": (reads_both, "vowels", r"vowels has one input, the model 2 \(x, extra\); .*\.npz"),
        "features for ids": (reads_ids, "vowels", r"vowels cannot calibrate this model: .*shape \(270, 9, 12\)"),
        "unknown": (reads_ids, "nowhere", "no data set or file 'nowhere'; there are reviews"),
    }


@pytest.mark.parametrize("case", misfits())
def test_data_that_the_model_does_not_take(case: str) -> None:
    build, given, message = misfits()[case]
    with pytest.raises(InputError, match=message) as caught:
        rows_of(build(), given)
    assert "\n" not in str(caught.value)


def test_a_given_data_set_is_not_cut(words: Path) -> None:
    dataset: Dataset = load_dataset(words, max_length=STEPS, vocabulary_size=2 * WORDS)
    with pytest.raises(InputError, match=r"words cannot calibrate this model: .*ids lie in \[0, 50\)"):
        rows_of(reads_ids(), dataset)
    kept = np.minimum(dataset.x_train, WORDS - 1)
    assert len(rows_of(reads_ids(), replace(dataset, x_train=kept))) == CALIBRATION_ROWS


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"PK junk")
    with pytest.raises(InputError, match=r"cannot read .*broken\.npz as an \.npz of arrays by input name"):
        rows_of(reads_ids(), tmp_path / "broken.npz")
