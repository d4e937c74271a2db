"""A made-up result of the comparison with peers: every status, a noisy row, growth."""

from __future__ import annotations

from typing import Any

INSTALL = "torch is not installed; install it with: pip install 'deeprnn-edge[peers]'"
ENTRIES = {
    "ours-onnx": ("deeprnn-edge, ONNX", "ours", 1.0),
    "ours-tflite": ("deeprnn-edge, TFLite", "ours", 0.8),
    "keras-predict": ("Keras, predict", "peer", 90.0),
    "keras-onnx": ("Keras's ONNX export", "peer", 3.1),
    "tf2onnx": ("tf2onnx", "peer", 2.2),
    "stock-tflite": ("TFLite, stock converter", "peer", 4.4),
    "openvino-ours": ("OpenVINO, our ONNX", "peer", 1.3),
    "torch-eager": ("PyTorch, eager", "peer", 2.0),
    "c": ("C loop", "yardstick", 0.4),
}
CELLS = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}


def make_result(*, sweep: bool = True) -> dict[str, Any]:
    """A result of the seed models, and in a sweep of growth, sensors and a stream too."""
    workloads = [
        _seed(cell, masked, lengths) for cell in CELLS for masked in (False, True) for lengths in _lengths(sweep)
    ]
    growth = []
    if sweep:
        workloads += [
            _workload(f"{cell}-256-units", f"{CELLS[cell]}, 3 x 256 units", "units", cell, 9) for cell in CELLS
        ]
        workloads[-1]["units"] = workloads[-2]["units"] = workloads[-3]["units"] = [256, 256, 256]
        workloads.append(_stream())
        growth = [_growth(cell, over, name) for cell in CELLS for over in _VALUES for name in ENTRIES]
    packages = {"tensorflow": "2.21.0", "keras": "3.15.1", "onnxruntime": "1.32.0", "ai-edge-litert": "2.3.0"}
    return {
        "format_version": 1,
        "what": "Ways to run a recurrent network, beside each other.",
        "sweep": sweep,
        "seed": 0,
        "blocks": 10,
        "seconds_per_contender": 0.5,
        "seconds": 1834.2,
        "machine": {
            "cpu": {"model": "Some Processor", "logical_cores": 2},
            "os": "Some System 1",
            "kernel": "Kernel 1",
            "python": "CPython 3.11.7",
            "packages": {**packages, "torch": None, "openvino": "2026.1", "tf2onnx": "1.16", "onnx": "1.20"},
            "compiler": "gcc 12.2.0",
        },
        "workloads": workloads,
        "growth": growth,
    }


_VALUES = {"length": (10, 100, 300, 1000), "layers": (1, 3, 5), "units": (32, 128, 512), "batch": (1, 16, 256)}


def _lengths(sweep: bool) -> tuple[str, ...]:
    return ("full", "reviews") if sweep else ("full",)


def _seed(cell: str, masked: bool, lengths: str) -> dict[str, Any]:
    title = f"{CELLS[cell]}, seed size{', masked' * masked}{', lengths of reviews' * (lengths == 'reviews')}"
    name = f"{cell}-seed{'-masked' * masked}{'-reviews' * (lengths == 'reviews')}"
    made = _workload(name, title, "seed", cell, 0.3 + 0.1 * list(CELLS).index(cell))
    made.update(masked=masked, lengths=lengths)
    rows = {row["name"]: row for row in made["contenders"]}
    stop(rows["torch-eager"], "missing", INSTALL)
    if masked:
        stop(rows["stock-tflite"], "unsupported", "its converter drops the mask")
        stop(rows["tf2onnx"], "differs", "its answers differ from Keras's by 0.2")
    return made


def _stream() -> dict[str, Any]:
    made = _workload("gru-stream", "GRU, one step of a stream", "stream", "gru", 0.01)
    made["contenders"] = [row for row in made["contenders"] if row["kind"] != "peer"]
    made["contenders"][0].update(name="ours-stream-onnx", title="deeprnn-edge, ONNX stream")
    stop(made["contenders"][1], "failed", "the process ended with 139")
    return made


def _workload(name: str, title: str, group: str, cell: str, ms: float) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "group": group,
        "cell": cell,
        "units": [32, 16],
        "steps": 100,
        "batch": 1,
        "threads": 1,
        "masked": False,
        "lengths": "full",
        "inputs": "tokens",
        "contenders": [
            _row(name, title, kind, ms * factor, 1_000_000 + 40_000 * at)
            for at, (name, (title, kind, factor)) in enumerate(ENTRIES.items())
        ],
    }


def _row(name: str, title: str, kind: str, ms: float, size: int) -> dict[str, Any]:
    times = {"min_ms": 0.9, "p50_ms": 1, "p90_ms": 1.1, "p95_ms": 1.2, "p99_ms": 1.6, "mean_ms": 1.05}
    timing: dict[str, Any] = {key: factor * ms for key, factor in times.items()}
    timing |= {"runs": 5_000, "rows_per_second": 1000 / ms, "cpu_seconds_per_call": ms / 900}
    timing |= {"block_p50_ms": [ms] * 10, "block_p95_ms": [ms] * 10, "block_mean_ms": [ms] * 10}
    timing |= {"spread": 0.2 if name == "keras-predict" else 0.01, "noisy": name == "keras-predict"}
    return {
        "name": name,
        "title": title,
        "kind": kind,
        "status": "ok",
        "problem": None,
        "max_abs_diff": 1.2e-7,
        "atol": 1e-5,
        "size_bytes": None if name == "keras-predict" else size,
        "import_ms": 80.5,
        "load_ms": 12.5,
        "first_call_ms": 1.5,
        "resident_bytes": 40_000_000,
        "timing": timing,
    }


def stop(row: dict[str, Any], status: str, problem: str) -> None:
    """Make a row one that was not timed."""
    row.update(status=status, problem=problem, timing=None)
    if status != "differs":
        measured = ("max_abs_diff", "atol", "import_ms", "load_ms", "first_call_ms", "resident_bytes", "size_bytes")
        row.update(dict.fromkeys(measured))


def _growth(cell: str, over: str, name: str) -> dict[str, Any]:
    title, _, factor = ENTRIES[name]
    return {
        "cell": cell,
        "over": over,
        "contender": name,
        "title": title,
        "points": [[x, 0.003 * factor * x**0.9] for x in _VALUES[over]],
        "slope": 0.9,
        "fitted_from": 100 if over == "length" else _VALUES[over][0],
    }
