"""The parity grid covers what the issue of parity is about."""

from __future__ import annotations

import numpy as np

from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_export.parity.grid import make_grid
from deeprnn_export.reading.signature import Signature

TOKENS = TensorSpec("tokens", "int32", ("batch", "time"), id_count=50)
MASKED = Signature((TOKENS,), (), {"tokens": 0.0})


def paddings(rows: np.ndarray) -> set[str]:
    seen = set()
    for kept in rows != 0:
        if kept.all():
            seen.add("full")
        elif not kept.any():
            seen.add("all padding")
        else:
            first, last = np.flatnonzero(kept)[[0, -1]]
            inside = kept[first : last + 1].all()
            seen.add("interior" if not inside else "pre" if first else "post")
    return seen


def test_batches_lengths_paddings_and_unknown_words() -> None:
    grid = make_grid(MASKED, length=20)
    arrays = [case.inputs["tokens"] for case in grid]
    assert {len(array) for array in arrays} == {1, 3, 32}
    assert {array.shape[1] for array in arrays} == {1, 7, 20, 40}
    assert paddings(np.concatenate([a for a in arrays if a.shape == (32, 20)])) == {
        "full", "pre", "post", "interior", "all padding",
    }  # fmt: skip
    assert any((array == 2).mean() >= 0.5 for array in arrays)
    assert all(array.min() >= 0 and array.max() < 50 for array in arrays)
    assert len({case.name for case in grid}) == len(grid)


def test_the_same_seed_gives_the_same_grid() -> None:
    for left, right in zip(make_grid(MASKED, length=9), make_grid(MASKED, length=9), strict=True):
        assert np.array_equal(left.inputs["tokens"], right.inputs["tokens"])


def test_a_fixed_batch_and_an_unmasked_float_input() -> None:
    spec = TensorSpec("features", "float32", (4, 10, 3))
    grid = make_grid(Signature((spec,), (), {}), length=10)
    assert {case.inputs["features"].shape for case in grid} == {(4, 10, 3)}
    assert not any((case.inputs["features"] == 0).any() for case in grid)
