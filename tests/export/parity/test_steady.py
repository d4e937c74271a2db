"""The gate asks a file again, as an app does whose library resets nothing: the same bits, or no export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import ParityError
from deeprnn_edge.parity.replay import Replay
from deeprnn_export.parity.gate import check_parity, require_parity
from deeprnn_export.parity.tolerance import Tolerance

Arrays = Mapping[str, NDArray[Any]]
X, Y = (TensorSpec(name, "float32", ("batch", 1)) for name in "xy")
CASES = [Case(f"case {value:g}", {"x": np.full((1, 1), value, np.float32)}, {"y": np.full((1, 1), value, np.float32)})
         for value in (1.0, 2.0, 3.0)]  # fmt: skip


class Counting:
    """A session that answers right where it is reset, and else adds what it kept."""

    fixed_shapes: Mapping[str, tuple[int, ...]] = {}

    def __init__(self, keep: Callable[[float, Arrays], float]) -> None:
        self.kept, self.keep = 0.0, keep

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        return {"y": feeds["x"]}

    def run_plain(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        answer = {"y": feeds["x"] + np.float32(self.kept)}
        self.kept = self.keep(self.kept, feeds)
        return answer


def check(session: Any) -> Any:
    replay = Replay(session, [X], None, None)
    return check_parity(replay, "model.lite", CASES, [Y], tolerance=Tolerance(), decisions={})


@pytest.mark.parametrize(
    "keep",
    [
        lambda kept, _: kept + 1e-6,  # below what the gate allows: not the same bits
        lambda kept, feeds: 0.5 if feeds["x"][0, 0] == 3 else kept,  # another question in between alone shows it
    ],
    ids=["a little each time", "after another"],
)
def test_a_file_that_keeps_a_state_is_no_export(keep: Callable[[float, Arrays], float]) -> None:
    with pytest.raises(ParityError) as raised:
        require_parity([check(Counting(keep))])
    assert "another answer when it is asked again: the file keeps a state between calls" in raised.value.table


def test_one_that_keeps_nothing_passes() -> None:
    assert check(Counting(lambda kept, _: kept)).passed
