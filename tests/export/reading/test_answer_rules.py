"""What a caller says of the output is held against it, before anything slow happens."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.manifest import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.scaler_files import read_scaler
from deeprnn_export.reading.answer_rules import AnswerOptions, AnswerRules, read_answer


def output(*shape: int | str) -> tuple[TensorSpec, ...]:
    return (TensorSpec("y", "float32", shape),)


def names(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def read(
    outputs: tuple[TensorSpec, ...], labels: tuple[str, ...] = (), masked: bool = False, **options: Any
) -> AnswerRules:
    mask = {"x": 0.0} if masked else {}
    return read_answer(AnswerOptions(**options), outputs, labels=labels, default_labels=("a", "b"), mask_values=mask)


@pytest.mark.parametrize(
    ("outputs", "labels", "options", "expected"),
    [
        (output("batch", 6), 6, {}, None),
        (output("batch", 1), 2, {}, None),
        ((*output("batch", 6),) * 2, 3, {}, None),
        (output("batch", "time", 6), 6, {}, Answer("steps")),
        (output("batch", 1), 2, {"threshold": 0.7}, Answer("class", threshold=0.7)),
        (output("batch", "time", 1), 2, {"threshold": 0.7}, Answer("steps", threshold=0.7)),
        (output("batch", 3), 3, {"decode": "labels", "threshold": 0}, Answer("labels", threshold=0)),
        (
            output("batch", 9, 4),
            4,
            {"decode": "ctc", "blank": -1, "masked": True},
            Answer("ctc", blank=3, skips_padding=True),
        ),
        (
            output("batch", 2),
            2,
            {"target_scaler": {"mean": [1, 2], "scale": 3}},
            Answer("number", scale=(3, 3), offset=(1, 2)),
        ),
        (
            output("batch", 4, 1),
            0,
            {"target_scaler": {"min": -10, "max": 30}},
            Answer("number", scale=(40,), offset=(-10,)),
        ),
    ],
)
def test_what_an_output_stands_for(outputs: Any, labels: int, options: dict[str, Any], expected: Answer | None) -> None:
    assert read(outputs, names(labels), **options) == AnswerRules(names(labels), expected)


def test_names_that_nobody_gave() -> None:
    assert read(output("batch", 6)) == AnswerRules(("a", "b"), None)
    assert read(output("batch", "time", 6)).answer is None
    assert read(output("batch", 3), decode="labels").labels == names(3)
    assert read(output("batch", 1), target_scaler={"mean": 0, "scale": 1}).labels == ()
    assert read(output("batch", 9, 4), names(3), decode="ctc").labels == ("<blank>", "0", "1", "2")


@pytest.mark.parametrize(
    ("outputs", "labels", "options", "said"),
    [
        (
            output("batch", 6),
            2,
            {},
            r"2 labels \(0, 1\), but the output 'y' of the shape \(batch, 6\) decides between 6 classes",
        ),
        (output("batch", 1), 3, {}, "3 labels .* decides between 2 classes; give a name for each, in order"),
        (output("batch", 6), 7, {}, r"7 labels \(0, 1, 2, 3, 4, 5, ...\)"),
        (output("batch", 3), 2, {"decode": "labels"}, "2 labels .* has 3 classes"),
        (output("batch", 9, 4), 2, {"decode": "ctc"}, "2 labels .* has 4 classes, the blank too"),
        (output("batch", 2), 3, {"target_scaler": {"mean": 0, "scale": 1}}, "3 labels .* has 2 values"),
        (output("batch", 6), 6, {"threshold": 0.7}, "threshold=0.7 decides one probability, .* give decode='labels'"),
        (
            output("batch", 6),
            6,
            {"decode": "steps"},
            r"decode='steps' needs an output of the shape \(batch, time, classes\), and the output 'y' has",
        ),
        (
            output("batch", 5, 6),
            6,
            {"decode": "class"},
            r"decode='class' needs an output of the shape \(batch, values\)",
        ),
        (
            output("batch", 9, 4),
            4,
            {"decode": "ctc", "blank": 4},
            "blank=4, and .*: expected a class from 0 to 3, or -1",
        ),
        ((*output("batch", 6),) * 2, 0, {"decode": "class"}, "decode='class' explains one output, and the model has 2"),
        (
            output("batch", 2),
            0,
            {"target_scaler": {"mean": [1, 2, 3], "scale": 1}},
            "target_scaler= has 3 columns, .*: 2 are expected",
        ),
    ],
)
def test_what_does_not_fit(outputs: Any, labels: int, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(outputs, names(labels), **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decode": "beam"}, "decode='beam': expected class, labels, steps, ctc"),
        ({"threshold": 50}, "threshold=50: expected a probability"),
        ({"threshold": float("nan")}, "threshold=nan"),
        ({"blank": 0}, "blank=0 is a class of CTC: give decode='ctc' as well"),
        ({"decode": "ctc", "threshold": 0.5}, "leave it out"),
        ({"decode": "class", "target_scaler": {}}, "leave decode= and threshold= out"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        AnswerOptions(**options)


def test_scalers_of_every_form(tmp_path: Path) -> None:
    scaled = np.array([[0.0, 0.5], [-1.0, 1.0]])
    standard = {"mean": [1.0, -2.0], "scale": [3.0, 0.5]}
    np.savez(tmp_path / "s.npz", **{name: np.array(value) for name, value in standard.items()})
    (tmp_path / "s.json").write_text(json.dumps(standard))
    (tmp_path / "learned.json").write_text(json.dumps({"mean_": [1, -2], "scale_": [3, 0.5], "var_": [9, 0.25]}))
    fitted = SimpleNamespace(mean_=np.array([1, -2]), scale_=np.array([3, 0.5]), n_features_in_=2)
    for given in (standard, tmp_path / "s.npz", str(tmp_path / "s.json"), tmp_path / "learned.json", fitted):
        found = read_scaler(given, "target_scaler")
        np.testing.assert_array_equal(scaled * found.scale + found.offset, [[1, -1.75], [-2, -1.5]])
    assert read_scaler(SimpleNamespace(mean_=None, scale_=np.array([2.0])), "s").offset == 0
    # What MinMaxScaler(feature_range=(-1, 1)) learns of [[0], [10]]; its scale_ and min_ are of the other direction.
    learned = {"data_min_": [0.0], "data_max_": [10.0], "feature_range": (-1, 1), "scale_": [0.2], "min_": [-1.0]}
    for given in (learned, SimpleNamespace(**learned), {"min": 0, "max": 10, "feature_range": [-1, 1]}):
        found = read_scaler(given, "s")
        np.testing.assert_allclose(np.array([-1, 0, 1]) * found.scale + found.offset, [0, 5, 10], atol=1e-15)
    constant = read_scaler({"min": 4, "max": 4}, "s")
    assert (float(constant.scale), float(constant.offset)) == (1, 4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80\x05}q.", "neither JSON nor .npz, as s= has to be, never a pickle"),
        (b"[1, 2]", "holds a list; expected an object with mean and scale, or min and max"),
        (b"{}", "s= has nothing; expected mean and scale"),
        (b'{"mean": 1}', "s= has mean; expected mean and scale"),
        (b'{"mean": "x", "scale": 1}', "s= has what is no number"),
        (b'{"mean": [[1]], "scale": 1}', "no plain list of finite numbers under 'mean'"),
        (b'{"mean": 1, "scale": NaN}', "no plain list of finite numbers under 'scale'"),
        (b'{"min": 1, "max": 2, "feature_range": [1, 0]}', "two numbers, the smaller first"),
    ],
)
def test_files_that_are_no_scaler(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_scaler(tmp_path / "s", "s")


def test_what_is_no_scaler_at_all(tmp_path: Path) -> None:
    (tmp_path / "s.npz").write_bytes(b"PK")
    for given, said in (
        (tmp_path / "s.npz", "cannot read"),
        (tmp_path / "gone", "cannot read"),
        (7, "a int, which learned nothing"),
    ):
        with pytest.raises(InputError, match=said):
            read_scaler(given, "s")
