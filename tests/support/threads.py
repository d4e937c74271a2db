"""Many threads on one model: does each call get, bit for bit, the answer that it gets alone?"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.golden import Case, cases_for, decode_golden
from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.inference.model import Model
from deeprnn_edge.inputs.time_axis import count_steps, take_steps
from deeprnn_edge.runtimes.artifacts import choose_artifact

Call = Callable[[Model], list[NDArray[Any]]]

SWITCH_SECONDS = 1e-5  # Python's own is 5 ms, in which a call of a small network ends before another thread has a turn
MOST_KEPT = 20  # errors that are written down
TEXTS = 40
WORDS = 30  # the longest of them


def hammer(path: Path, artifact: str, *, threads: int, calls_each: int, seed: int = 0) -> dict[str, Any]:
    """Mixed calls from so many threads at once on one loaded artifact, held against those of one thread.

    The shared model is loaded anew, so that the first calls, which open its streams, come at once as well.
    """
    calls = make_calls(path, artifact)
    alone = deeprnn_edge.load(path, artifact=artifact)
    expected = {kind: [call(alone) for call in of_kind] for kind, of_kind in calls.items()}
    shared = deeprnn_edge.load(path, artifact=artifact)
    start = threading.Barrier(threads)
    counts: Counter[str] = Counter()
    differing: list[float] = []
    errors: list[str] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        random = Random(f"{seed} {number}")
        start.wait()
        for _ in range(calls_each):
            kind = random.choice(list(calls))
            index = random.randrange(len(calls[kind]))
            try:
                difference = _difference(calls[kind][index](shared), expected[kind][index])
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                difference = None
                with lock:
                    errors.append(f"{kind}: {type(error).__name__}: {error}")
            with lock:
                counts[kind] += 1
                if difference:
                    differing.append(difference)

    before, started = sys.getswitchinterval(), time.perf_counter()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    return {
        "bundle": path.name,
        "artifact": artifact,
        "threads": threads,
        "calls": dict(sorted(counts.items())),
        "differing": len(differing),
        "max_abs_diff": max(differing, default=0.0),
        "errors": len(errors),
        "first_errors": errors[:MOST_KEPT],
        "seconds": round(time.perf_counter() - started, 1),
    }


def make_calls(path: Path, artifact: str) -> dict[str, list[Call]]:
    """Calls by kind: ``predict``, ``run``, and ``stream`` where the bundle has one. Each answers alike at any time."""
    bundle = open_bundle(path)
    shapes = deeprnn_edge.load(path, artifact=artifact).input_shapes
    cases = cases_for([spec.name for spec in bundle.manifest.inputs], decode_golden(bundle.read_golden()))
    fitting = [case for case in cases if _fits(case, shapes)]
    items: list[Any] = [list(next(iter(case.inputs.values()))) for case in fitting]
    if words := bundle.vocabulary():
        texts = random_texts(words, TEXTS)
        items += [*texts, *(texts[first : first + 3] for first in range(0, len(texts), 3))]
    calls = {"predict": [_predict(item) for item in items], "run": [_run(case) for case in fitting]}
    if (spec := bundle.manifest.stream) is not None:
        unit = bundle.stream_artifact(choose_artifact(bundle, artifact)).chunk or 1
        whole = [case for case in cases if count_steps(spec.inputs, case.inputs) % unit == 0]
        calls["stream"] = [_stream(case, spec, unit, lengths) for case in whole for lengths in ((1,), (3, 1, 2))]
    return calls


def random_texts(words: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Texts of 0 to ``WORDS`` of these words, with one in ten that is none of them."""
    random = Random(seed)
    chosen = [
        [random.choice(words) if random.random() > 0.1 else "qwertz" for _ in range(random.randint(0, WORDS))]
        for _ in range(count)
    ]
    return [" ".join(one) for one in chosen]


def _predict(item: Any) -> Call:
    return lambda model: _arrays(model.predict(item))


def _run(case: Case) -> Call:
    return lambda model: _arrays(model.run(case.inputs))


def _stream(case: Case, spec: StreamSpec, unit: int, lengths: Sequence[int]) -> Call:
    """A sequence pushed in chunks of these lengths in turn, times ``unit``; in the middle another stream goes on."""

    def call(model: Model) -> list[NDArray[Any]]:
        rows = len(next(iter(case.inputs.values())))
        steps = count_steps(spec.inputs, case.inputs)
        answers: list[NDArray[Any]] = []
        stream, first = model.stream(rows), 0
        for length in cycle(lengths):
            if first >= steps:
                break
            after = first + length * unit
            answers += _arrays(stream.push(take_steps(spec.inputs, case.inputs, first, after)))
            if first < steps // 2 <= after:
                stream = model.stream(state=stream.state)
            first = after
        return answers + list(stream.state.values())

    return call


def _fits(case: Case, shapes: Mapping[str, Sequence[int | str]]) -> bool:
    return all(
        isinstance(size, str) or size == given
        for name, shape in shapes.items()
        for size, given in zip(shape, case.inputs[name].shape, strict=True)
    )


def _arrays(answer: NDArray[Any] | dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    return list(answer.values()) if isinstance(answer, dict) else [answer]


def _difference(answer: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """0 where they are the same bits, else the largest difference, infinite where the shapes differ."""
    if len(answer) != len(expected):
        return float("inf")
    largest = 0.0
    for one, other in zip(answer, expected, strict=True):
        if one.shape != other.shape:
            return float("inf")
        if not np.array_equal(one, other):
            largest = max(largest, float(np.abs(one - other).max()))
    return largest
