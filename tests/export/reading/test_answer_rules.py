"""What a caller says of the output is held against it, before anything slow happens."""

from __future__ import annotations

from typing import Any

import pytest

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
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
