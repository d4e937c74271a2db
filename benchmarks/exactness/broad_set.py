"""Export the suite's models by every route from Keras 3: ``python benchmarks/exactness/broad_set.py``.

Each model that this project supports is exported to ONNX and TFLite by this project, and by Keras's own
``model.export`` to ONNX and to LiteRT. Every file runs on the inputs of the parity grid that it takes and is held
against Keras's answers, 1e-5. Writes ``results/broad_set.json``: for each route how many are right, how many of these
without a Loop, and what became of the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.exactness.workers import run_jobs
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine

ROUTES = ("deeprnn-edge, ONNX", "Keras export, ONNX", "deeprnn-edge, TFLite", "Keras export, LiteRT")
ATOL = 1e-5


def main() -> None:
    """Count every model by every route."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    options = parser.parse_args()
    from tests.support.conformance.models import ROWS

    chosen = [index for index, row in enumerate(ROWS) if "refused" not in (row.onnx, row.tflite) and row.repeats]
    started = time.perf_counter()
    done = 0

    def told(index: int, outcome: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        print(f"{done} of {len(chosen)}: {ROWS[chosen[index]]}: {outcome}", file=sys.stderr)

    outcomes = run_jobs(chosen, prepared, workers=options.workers, told=told)
    models = [
        # A route that ended the process leaves a message alone; the others were not reached.
        {"model": str(ROWS[index])} | (dict.fromkeys(ROUTES, "ended the process") if "message" in outcome else outcome)
        for index, outcome in zip(chosen, outcomes, strict=True)
    ]
    result = {
        "format_version": 1,
        "what": "models of the conformance suite, exported by each route and held against Keras, 1e-5",
        "machine": describe_machine(),
        "count": len(models),
        "seconds": time.perf_counter() - started,
        "routes": {route: dict(Counter(model[route] for model in models)) for route in ROUTES},
        "models": models,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "broad_set.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["routes"], indent=1))


def prepared() -> Callable[[int], dict[str, str]]:
    """Prepare what a worker does with a model of the suite."""
    import pytest

    from tests.support.conformance.models import ROWS
    from tests.support.conformance.row import weighted
    from tests.support.converter import convert_here

    # In this process: starting TensorFlow for each model would take the most time.
    convert_here(pytest.MonkeyPatch())

    def by_every_route(index: int) -> dict[str, str]:
        row = ROWS[index]
        model = weighted(row.build, row.scale)
        if row.example is not None:
            model(row.example)
        with tempfile.TemporaryDirectory() as folder:
            return compare_routes(model, row.length, Path(folder))

    return by_every_route


def compare_routes(model: Any, length: int | None, folder: Path) -> dict[str, str]:
    """Tell what became of one model by each route."""
    from deeprnn_edge.errors import DeepRNNEdgeError
    from deeprnn_export import export
    from deeprnn_export.parity.grid import make_grid
    from deeprnn_export.parity.reference import keras_answers
    from deeprnn_export.reading.signature import read_signature

    signature = read_signature(model)
    steps = length or next((size for spec in signature.inputs for size in spec.shape[1:2] if isinstance(size, int)), 5)
    cases = keras_answers(model, signature, make_grid(signature, length=steps))
    found: dict[str, str] = {}
    for route in ROUTES:
        ours, kind = route.startswith("deeprnn"), "onnx" if route.endswith("ONNX") else "tflite"
        try:
            if ours:
                export(model, folder / f"bundle-{kind}", formats=[kind], max_length=steps)
                content = (folder / f"bundle-{kind}" / f"model.{kind}").read_bytes()
            else:
                path = folder / f"peer.{kind}"
                model.export(str(path), format="onnx" if kind == "onnx" else "litert", verbose=False)
                content = path.read_bytes()
        except DeepRNNEdgeError:
            found[route] = "refused"
        except Exception:  # noqa: BLE001 - whatever it is, there is no file
            found[route] = "no file"
        else:
            found[route] = judge(content, kind, cases)
    return found


def judge(content: bytes, kind: str, cases: list[Any]) -> str:
    """Tell whether a file loads, runs and answers as Keras does on every case that it takes, and how."""
    from deeprnn_edge.errors import DeepRNNEdgeError
    from deeprnn_edge.parity.difference import compare
    from deeprnn_edge.parity.replay import fits
    from deeprnn_edge.runtimes import runtime_of
    from deeprnn_edge.runtimes.artifacts import open_session

    inspection = runtime_of(kind).inspect(content, f"model.{kind}")
    if inspection.foreign:
        return "needs Flex" if any("Flex" in name for name in inspection.foreign) else "needs custom operators"
    try:
        session = open_session(content, kind=kind, path=f"model.{kind}")
        taken = 0
        for case in cases:
            specs = inspection.inputs
            if len(specs) != len(case.inputs):
                return "wrong: other inputs"
            # By name where the file kept the names, else by place.
            kept = {spec.name for spec in specs} == case.inputs.keys()
            values = [case.inputs[spec.name] for spec in specs] if kept else list(case.inputs.values())
            feeds = {spec.name: value.astype(spec.dtype) for spec, value in zip(specs, values, strict=True)}
            if not fits(session, feeds):
                continue
            taken += 1
            answers = session.run(feeds)
            if len(answers) != len(case.outputs):
                return "wrong: other outputs"
            if answers.keys() != case.outputs.keys():
                answers = dict(zip(case.outputs, answers.values(), strict=True))
            if any(difference.exceeds(ATOL) for difference in compare(case.name, case.outputs, answers, decisions={})):
                return "wrong"
    except (DeepRNNEdgeError, RuntimeError, ValueError, TypeError) as error:
        return "does not load" if isinstance(error, DeepRNNEdgeError) else "does not run"
    except Exception:  # noqa: BLE001 - onnxruntime's errors have no common base but Exception
        return "does not run"
    if not taken:
        return "takes no case"
    return "right, with a Loop" if inspection.loops and kind == "onnx" else "right"


if __name__ == "__main__":
    main()
