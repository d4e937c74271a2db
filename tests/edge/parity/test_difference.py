"""The comparison behind the gate: it has to see what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.inference.names import decide
from deeprnn_edge.parity.difference import compare

REFERENCE = {"p": np.array([[0.2], [0.7]], np.float32)}


def test_equal_answers_do_not_differ() -> None:
    (difference,) = compare("case", REFERENCE, {"p": REFERENCE["p"].copy()}, decisions={"p": None})
    assert difference.max_abs_diff == 0
    assert not difference.exceeds(0)


@pytest.mark.parametrize(
    "actual",
    [
        {},
        {"q": REFERENCE["p"]},
        {"p": REFERENCE["p"][:1]},
        {"p": REFERENCE["p"].T},
        {"p": REFERENCE["p"] + np.float32(2e-5)},
        {"p": np.array([[0.2], [np.nan]], np.float32)},
        {"p": np.array([[0.2], [np.inf]], np.float32)},
    ],
)
def test_what_differs_fails(actual: dict[str, np.ndarray]) -> None:
    assert any(difference.exceeds(1e-5) for difference in compare("case", REFERENCE, actual, decisions={"p": None}))


def test_a_label_flip_fails_at_any_tolerance() -> None:
    reference, actual = {"p": np.array([[0.501]])}, {"p": np.array([[0.499]])}
    (difference,) = compare("case", reference, actual, decisions={"p": None})
    assert difference.label_flips == 1
    assert difference.exceeds(1.0)
    assert not difference.exceeds(1.0, exact=False)  # fewer bits may decide otherwise near a tie
    (unlabelled,) = compare("case", reference, actual, decisions={})
    assert not unlabelled.exceeds(1.0)


def test_nan_where_keras_has_nan_is_equal() -> None:
    (difference,) = compare("case", {"y": np.array([np.nan, np.inf])}, {"y": np.array([np.nan, np.inf])}, decisions={})
    assert difference.max_abs_diff == 0


def test_decisions() -> None:
    assert decide(np.array([[0.4], [0.6]])).tolist() == [0, 1]
    assert decide(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])).tolist() == [1, 0]
    assert decide(np.array([[0.7], [0.71]], np.float32), Answer("class", threshold=0.7)).tolist() == [0, 1]
    several = decide(np.array([[0.1, 0.7, 0.8]]), Answer("labels", threshold=0.75))
    assert several.tolist() == [[False, False, True]]
    assert decide(np.array([[[0.1, 0.9], [0.6, 0.4]]]), Answer("steps")).tolist() == [[1, 0]]


def test_flips_are_those_of_what_the_bundle_says() -> None:
    reference, actual = {"p": np.array([[0.65, 0.2]])}, {"p": np.array([[0.75, 0.2]])}
    for answer, flips in ((None, 0), (Answer("labels"), 0), (Answer("labels", threshold=0.7), 1)):
        (difference,) = compare("case", reference, actual, decisions={"p": answer})
        assert difference.label_flips == flips
