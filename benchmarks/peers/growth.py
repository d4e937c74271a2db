"""Fit how the time of a call grows: the slope of a line through the logarithms, for each entry and axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.peers.workloads import LAYERS, STEPS
from deeprnn_edge.report.growth_section import fit_slope

# What the workloads on the other axes have of each, and from which value on a line is fitted: the time of shorter
# sequences is mostly that of a call.
AXES = {"length": (STEPS, 100), "layers": (LAYERS[0], 1), "units": (32, 16), "batch": (1, 1)}


def value_on(axis: str, workload: Mapping[str, Any]) -> int:
    """Tell where a workload of the result lies on an axis."""
    units = workload["units"]
    return int({"length": workload["steps"], "layers": len(units), "units": units[0], "batch": workload["batch"]}[axis])


def fit_growth(workloads: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fit, for each cell, axis and entry timed at two or more values, its points and the slope.

    points: value and p50 in milliseconds, by value. fitted_from: the value of the first point under the line.
    """
    found = []
    for axis, (_, fitted_from) in AXES.items():
        for cell in dict.fromkeys(one["cell"] for one in workloads):
            points = _points(axis, [one for one in workloads if one["cell"] == cell])
            for (name, title), pairs in points.items():
                fitted = [pair for pair in sorted(pairs) if pair[0] >= fitted_from]
                if len(fitted) > 1:
                    slope = fit_slope(*zip(*fitted, strict=True))
                    found.append(
                        {
                            "cell": cell,
                            "over": axis,
                            "contender": name,
                            "title": title,
                            "points": sorted(pairs),
                            "slope": slope,
                            "fitted_from": fitted_from,
                        }
                    )
    return found


def _points(axis: str, workloads: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Map an entry to its values and medians: of the workloads that lie on the axis, where the common one is."""
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for workload in workloads:
        on_axis = workload["group"] in AXES and all(
            value_on(other, workload) == common for other, (common, _) in AXES.items() if other != axis
        )
        for row in workload["contenders"] if on_axis else ():
            if row["timing"] is not None:
                key = (row["name"], row["title"])
                points.setdefault(key, []).append((value_on(axis, workload), row["timing"]["p50_ms"]))
    return points
