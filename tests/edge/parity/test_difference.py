"""The comparison behind the gate: it has to see what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from deeprnn_edge.parity.difference import compare, decide

REFERENCE = {"p": np.array([[0.2], [0.7]], np.float32)}


def test_equal_answers_do_not_differ() -> None:
    (difference,) = compare("case", REFERENCE, {"p": REFERENCE["p"].copy()}, decisions=["p"])
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
    assert any(difference.exceeds(1e-5) for difference in compare("case", REFERENCE, actual, decisions=["p"]))


def test_a_label_flip_fails_at_any_tolerance() -> None:
    reference, actual = {"p": np.array([[0.501]])}, {"p": np.array([[0.499]])}
    (difference,) = compare("case", reference, actual, decisions=["p"])
    assert difference.label_flips == 1
    assert difference.exceeds(1.0)
    assert not difference.exceeds(1.0, exact=False)  # fewer bits may decide otherwise near a tie
    (unlabelled,) = compare("case", reference, actual, decisions=[])
    assert not unlabelled.exceeds(1.0)


def test_nan_where_keras_has_nan_is_equal() -> None:
    (difference,) = compare("case", {"y": np.array([np.nan, np.inf])}, {"y": np.array([np.nan, np.inf])}, decisions=[])
    assert difference.max_abs_diff == 0


def test_decisions() -> None:
    assert decide(np.array([[0.4], [0.6]])).tolist() == [0, 1]
    assert decide(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])).tolist() == [1, 0]
