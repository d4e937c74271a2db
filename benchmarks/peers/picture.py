"""Draw a comparison: the median of each entry on the seed models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.rows import p50_ms, timed
from benchmarks.peers.workloads import CELLS

_HATCHES = {"ours": "", "peer": "", "yardstick": "////"}


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: a panel for each cell, plain and masked, of bars on one logarithmic axis, the fastest on top.

    A result without a seed model has no picture.
    """
    found = {
        (one["cell"], one["masked"]): timed(one)
        for one in result["workloads"]
        if one["group"] == "seed" and one["lengths"] == "full" and timed(one)
    }
    if not found:
        return
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    cells = [cell for cell in CELLS if any(key[0] == cell for key in found)]
    most = max(map(len, found.values()))
    micros = [p50_ms(row) * 1e3 for rows in found.values() for row in rows]
    figure, panels = plt.subplots(
        2, len(cells), figsize=(4.6 * len(cells), 2 * (0.26 * most + 0.8)), sharex=True, squeeze=False
    )
    for line, masked in enumerate((False, True)):
        for column, cell in enumerate(cells):
            panel, rows = panels[line][column], found.get((cell, masked), [])
            values = [p50_ms(row) * 1e3 for row in rows]
            bars = panel.barh(range(len(rows)), values, color="white", edgecolor="black", linewidth=0.9, height=0.72)
            for bar, row in zip(bars, rows, strict=True):
                bar.set_hatch(_HATCHES.get(row["kind"], ""))
                bar.set_facecolor("black" if row["kind"] == "ours" else "white")
            panel.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3, fontsize=8)
            panel.set_yticks(range(len(rows)), [row["title"] for row in rows], fontsize=8)
            panel.set_ylim(most - 0.4, -0.6)
            panel.set_xscale("log")
            panel.set_xlim(min(micros) / 2, max(micros) * 4)  # room for the number beside the longest bar
            panel.set_title(f"{CELLS[cell]}{', masked' if masked else ''}", fontsize=10, loc="left")
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(axis="y", length=0)
            panel.tick_params(axis="x", labelsize=8)
            if line == 1:
                panel.set_xlabel("µs for one call, median (logarithmic)", fontsize=8)
    figure.legend(
        handles=[
            mpl.patches.Patch(facecolor="black", edgecolor="black", label="deeprnn-edge"),
            mpl.patches.Patch(facecolor="white", edgecolor="black", label="peer"),
            mpl.patches.Patch(facecolor="white", edgecolor="black", hatch="////", label="yardstick"),
        ],
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        frameon=False,
    )
    figure.set_layout_engine("constrained")
    figure.savefig(path, dpi=130)
    plt.close(figure)
