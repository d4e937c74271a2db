"""Make the tables of the comparison with peers, each from the whole sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers.rows import Row, Workload, p50_ms, reference, row_of, timed, titles
from benchmarks.peers.workloads import CELLS
from benchmarks.tables.parts import describe_machine, markdown, read

_NAMES = {str(cell): name for cell, name in CELLS.items()}
_AXES = ("length", "layers", "units", "batch")
_LARGE = [256, 256, 256]


def peers(result: Mapping[str, Any]) -> str:
    """Tabulate the median of each entry on the six seed models, in microseconds."""
    workloads = _seeds(result)
    notes: list[str] = []
    rows = [
        [_bold(title, name), *(_time(row_of(one, name), notes) for one in workloads)]
        for name, title in titles(workloads).items()
    ]
    header = ["p50, µs", *map(_title, workloads)]
    footnotes = (f"<sup>{at}</sup> {note}.\n\n" for at, note in enumerate(notes, start=1))
    return f"{markdown(header, rows)}\n\n{''.join(footnotes)}{describe_machine(result)}"


def summary(result: Mapping[str, Any]) -> str:
    """Tabulate the seed models at a glance: our files, Keras's own export, the fastest other peer, and the C loop."""
    rows = []
    for one in _seeds(result):
        keras = row_of(one, "keras-onnx")
        others = (row for row in timed(one) if row["kind"] == "peer" and row["name"] != "keras-onnx")
        other = next(others, None)
        rows.append(
            [
                _title(one),
                *(_time(row_of(one, name), []) for name in ("ours-onnx", "ours-tflite")),
                _time(keras, []),
                f"{_time(other, [])} ({other['title']})" if other else "–",
                _time(row_of(one, "c"), []),
            ]
        )
    header = ["p50, µs", "**ONNX**", "**TFLite**", "Keras's ONNX export", "fastest other peer", "C loop"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def yardstick(result: Mapping[str, Any]) -> str:
    """Tabulate our files beside a C loop, each other and the peers, by network."""
    large = [one for one in result["workloads"] if one["group"] == "units" and list(one["units"]) == _LARGE]
    rows = [
        [
            _title(one, size),
            _ratio(reference(one), _timed_row(one, "c")),
            _ratio(_timed_row(one, "ours-tflite"), reference(one)),
            _fastest_peer(one),
            _smallest([one], "openvino"),
            _smallest([one], "torch-eager"),
        ]
        for size, group in (("", _seeds(result)), (", 3 × 256 units", large))
        for one in group
    ]
    all_of_them = [*_seeds(result), *large]
    rows.append(["smallest", "", "", "", _smallest(all_of_them, "openvino"), _smallest(all_of_them, "torch-eager")])
    header = ["network", "ONNX / C loop", "TFLite / ONNX", "fastest peer / ONNX", "OpenVINO / ONNX", "PyTorch / ONNX"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def reviews(result: Mapping[str, Any]) -> str:
    """Tabulate the masked seed models on full sequences and on those of the reviews' lengths."""
    by_name = {one["name"]: one for one in result["workloads"]}
    rows = []
    for full in (one for one in _seeds(result) if one["masked"]):
        real = by_name[f"{full['name']}-reviews"]
        times = [_time(row_of(one, name), []) for name in ("ours-onnx", "ours-tflite") for one in (full, real)]
        rows.append([_title(full), *times, _fastest_peer(real)])
    header = [
        "p50, µs",
        "ONNX, full",
        "ONNX, reviews",
        "TFLite, full",
        "TFLite, reviews",
        "fastest peer / ONNX, reviews",
    ]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def growth(result: Mapping[str, Any]) -> str:
    """Tabulate the fitted slope of each entry's time, by cell and axis."""
    slopes = {(one["contender"], one["cell"], one["over"]): one["slope"] for one in result["growth"]}
    named = {one["contender"]: one["title"] for one in result["growth"]}
    keys = [(cell, over) for cell in _NAMES for over in _AXES if any(key[1:] == (cell, over) for key in slopes)]
    rows = [
        [
            _bold(title, name),
            *(f"{slopes[name, *key]:.2f}" if (name, *key) in slopes else "–" for key in keys),
        ]
        for name, title in named.items()
    ]
    header = ["slope", *(f"{_NAMES[cell]}, {over}" for cell, over in keys)]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def _seeds(result: Mapping[str, Any]) -> list[Workload]:
    found = [one for one in result["workloads"] if one["group"] == "seed" and one["lengths"] == "full"]
    order = list(_NAMES)
    return sorted(found, key=lambda one: (order.index(one["cell"]), one["masked"]))


def _title(workload: Workload, size: str = "") -> str:
    return f"{_NAMES[workload['cell']]}{', masked' if workload['masked'] else ''}{size}"


def _bold(text: str, name: str) -> str:
    return f"**{text}**" if name.startswith("ours") else text


def _time(row: Row | None, notes: list[str]) -> str:
    """Show a median, or a dash with the number of the reason why there is none; a new reason joins ``notes``."""
    if row is None:
        return "–"
    if row["timing"]:
        return _bold(f"{p50_ms(row) * 1e3:,.0f}", row["name"])
    reason = str(row["problem"] or row["status"]).rstrip(".").replace("|", "\\|")
    if reason not in notes:
        notes.append(reason)
    return f"–<sup>{notes.index(reason) + 1}</sup>"


def _timed_row(workload: Workload, name: str) -> Row | None:
    return next((row for row in timed(workload) if row["name"] == name), None)


def _ratio(over: Row | None, under: Row | None) -> str:
    return f"{p50_ms(over) / p50_ms(under):.2f}×" if over and under else "–"


def _fastest_peer(workload: Workload) -> str:
    peer = next((row for row in timed(workload) if row["kind"] == "peer"), None)
    return f"{peer['title']}, {_ratio(peer, reference(workload))}" if peer else "–"


def _smallest(workloads: Sequence[Workload], start: str) -> str:
    """Return the smallest ratio to our ONNX file of the entries whose name starts so."""
    ratios = [
        p50_ms(row) / p50_ms(ours)
        for one in workloads
        for row in timed(one)
        for ours in [reference(one)]
        if ours and row["name"].startswith(start)
    ]
    return f"{min(ratios):.2f}×" if ratios else "–"


PEERS_TABLES: dict[str, Callable[[], str]] = {
    "summary": lambda: summary(read("peers_sweep")),
    "peers": lambda: peers(read("peers_sweep")),
    "yardstick": lambda: yardstick(read("peers_sweep")),
    "reviews": lambda: reviews(read("peers_sweep")),
    "growth": lambda: growth(read("peers_sweep")),
}
