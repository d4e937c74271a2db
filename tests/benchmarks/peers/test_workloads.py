"""The sweep has what it promises, and slopes are those of the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.peers.entries import ENTRIES
from benchmarks.peers.growth import AXES, fit_growth
from benchmarks.peers.workloads import CELLS, Network, subset, sweep


def test_names_are_unique_and_the_subset_is_of_the_sweep() -> None:
    names = [one.name for one in sweep()]
    assert len(names) == len(set(names))
    assert set(subset()) <= set(sweep())
    assert [(one.network.cell, one.network.masked) for one in subset()] == [
        (cell, masked) for masked in (False, True) for cell in CELLS
    ]


@pytest.mark.parametrize("cell", CELLS)
def test_the_sweep_reaches_every_size(cell: str) -> None:
    of_cell = [one for one in sweep() if one.network.cell == cell]
    sizes = {
        "layers": {len(one.network.units) for one in of_cell},
        "units": {units for one in of_cell for units in one.network.units},
        "length": {one.network.steps for one in of_cell},
        "batch": {one.batch for one in of_cell},
        "threads": {one.threads for one in of_cell},
    }
    assert sizes["layers"] >= {1, 3, 5, 10}
    assert {16, 512} <= sizes["units"]
    assert {10, 2_000} <= sizes["length"]
    assert {1, 256} <= sizes["batch"]
    assert sizes["threads"] == {1, 2}
    assert {(one.network.masked, one.lengths) for one in of_cell if one.group == "seed"} == {
        (masked, lengths) for masked in (False, True) for lengths in ("full", "reviews")
    }
    assert {one.group for one in of_cell} == {"seed", "threads", "sensor", "stream", *AXES}


def test_every_entry_takes_every_seed_model_but_streams() -> None:
    for workload in subset():
        assert [one for one in ENTRIES if not one.takes(workload)] == [one for one in ENTRIES if one.streams_alone]


def test_padding_of_vectors_is_refused() -> None:
    with pytest.raises(ValueError, match="masked network of vectors"):
        Network("gru", features=9, masked=True)


def described(name: str, p50_ms: float, **values: Any) -> dict[str, Any]:
    common = {"group": "length", "cell": "gru", "steps": 100, "units": [32] * 3, "batch": 1}
    row = {"name": "c", "title": "C", "timing": {"p50_ms": p50_ms}}
    return {"name": name, **common, **values, "contenders": [row, {**row, "name": "other", "timing": None}]}


def test_a_slope_is_the_power_that_the_time_grows_by() -> None:
    lengths = [described(f"{steps}", 3e-3 * steps**1.5 + (steps < 100), steps=steps) for steps in (10, 30, 300, 1000)]
    layers = [described(f"{n}", 0.1 * n, group="layers", units=[32] * n) for n in (3, 1, 10)]
    layers[0]["contenders"][0]["timing"]["p50_ms"] = 3e-3 * 100**1.5  # the common one lies on every axis
    seeds = [described("seed", 99.0, group="seed"), described("lstm", 1.0, cell="lstm")]
    found = {one["over"]: one for one in fit_growth([*lengths, *layers, *seeds]) if one["cell"] == "gru"}
    assert found["length"]["slope"] == pytest.approx(1.5)
    assert found["length"]["fitted_from"] == 100
    assert [value for value, _ in found["length"]["points"]] == [10, 30, 100, 300, 1000]
    assert [value for value, _ in found["layers"]["points"]] == [1, 3, 10]
    x, y = np.log([1, 3, 10]), np.log([0.1, 3, 1])
    assert found["layers"]["slope"] == pytest.approx(np.polyfit(x, y, 1)[0])
    assert {one["contender"] for one in found.values()} == {"c"}
    assert set(found) == {"length", "layers"}
