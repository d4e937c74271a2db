"""Measure a bundle's artifacts on this machine, beside each other and beside Keras.

What is timed is ``Session.run`` on ready arrays: no text becomes ids, nothing is padded, no input is
checked, as ``predict`` and ``run`` of a model do around it. A TFLite artifact takes one row at a time,
so a batch is as many runs of it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bench.inputs import BenchInputs, choose_inputs
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.sequences.entries import BenchRow, artifact_contender, check_answers, file_contender, start
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.manifest import Artifact
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.artifacts import choose_artifact
from deeprnn_edge.runtimes.session import Session

FORMAT_VERSION = 1
SEED = 0
DEFAULT_SECONDS = 2.0
# Beyond the cores of any small device; the runtimes take a C int and start them all.
MOST_THREADS = 1024


@dataclass(frozen=True)
class BenchOptions:
    """How it was measured. ``threads`` is for the artifacts: Keras runs with TensorFlow's own."""

    batch: int
    length: int | None
    threads: int
    runs: int | None
    seconds: float | None
    seed: int


@dataclass(frozen=True)
class BenchReport:
    """A measurement, whole.

    inputs: input name to the shape that was timed.
    input_source: ``golden`` (rows of golden.npz) or ``random``.
    reference: what the answers were held against: ``golden.npz``, or the name of a row.
    """

    bundle: str
    name: str
    options: BenchOptions
    inputs: Mapping[str, tuple[int, ...]]
    input_source: str
    reference: str
    rows: tuple[BenchRow, ...]
    machine: Mapping[str, Any]


def bench(
    path: str | Path,
    *,
    artifacts: Sequence[str] | None = None,
    batch: int = 1,
    length: int | None = None,
    threads: int = 1,
    runs: int | None = None,
    seconds: float | None = None,
    keras: str | Path | None = None,
    probes: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> BenchReport:
    """Measure artifacts of a bundle: answers first, then start and memory, then latency.

    artifacts: paths inside the bundle, such as ``model.onnx``; None for all that run whole sequences.
    batch: rows of one call.
    length: time steps, where the model's time axis is free; None for what the bundle pads to.
    threads: threads inside one call of an artifact.
    runs, seconds: calls of each contender, or about how long each is called; by default 2 seconds.
    keras: a ``.keras`` file of the same model, which becomes a row where the workshop is installed: called
        as a compiled ``tf.function``, which is quicker than ``model.predict``.
    probes: start each in a fresh process, for load time, first call and memory: most of a short benchmark.
    progress: called with a line at each step.

    Every contender answers the inputs before they are timed, and has to agree with Keras's stored
    answers, or with Keras itself, or with the strictest of the artifacts, within 1e-4.

    Raises InputError for options that cannot be used and where no contender runs, BundleError for a
    damaged bundle, MissingExtraError for ``keras`` without the workshop.
    """
    check_options({"batch": batch, "length": length, "threads": threads, "runs": runs}, seconds)
    if runs is None and seconds is None:
        seconds = DEFAULT_SECONDS
    bundle = open_bundle(path)
    chosen = _choose_artifacts(bundle, artifacts)
    contenders = []
    for artifact in chosen:
        progress(f"loading {artifact.path}")
        contenders.append(artifact_contender(bundle, artifact, threads=threads))
    if keras is not None:
        progress(f"loading {keras}")
        contenders.append(file_contender(Path(keras)))
    fixed_shapes = [contender.session.fixed_shapes for contender in contenders if contender.session]
    inputs = choose_inputs(bundle, batch=batch, length=length, fixed_shapes=fixed_shapes, seed=SEED)
    contenders, reference = check_answers(contenders, inputs)
    for index, contender in enumerate(contenders):
        if probes and contender.row.status == "ok":
            progress(f"starting {contender.row.name} in a fresh process")
            contenders[index] = start(contender, inputs)
    running = {c.row.name: c.session for c in contenders if c.row.status == "ok" and c.session}
    if running:
        progress(f"timing {', '.join(running)}: " + (f"{runs} runs each" if runs else f"about {seconds:g} s each"))
    timings = time_alternating(
        {name: _call(session, inputs) for name, session in running.items()}, rows=batch, runs=runs, seconds=seconds
    )
    return BenchReport(
        bundle=str(path),
        name=bundle.manifest.name,
        options=BenchOptions(batch, inputs.length, threads, runs, seconds, SEED),
        inputs={name: value.shape for name, value in inputs.feeds.items()},
        input_source=inputs.source,
        reference=reference,
        rows=tuple(dataclasses.replace(c.row, timing=timings.get(c.row.name)) for c in contenders),
        machine=describe_machine(),
    )


def to_json(report: BenchReport, *, comparison: Mapping[str, Any] | None = None) -> str:
    """The report as JSON text, with ``format_version``.

    comparison: that with an earlier report, ready for JSON, under a key of that name.
    """
    values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}
    if comparison is not None:
        values["comparison"] = comparison
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_options(counts: Mapping[str, int | None], seconds: float | None) -> None:
    """Raise InputError for a count below 1, too many ``threads``, or seconds that are none or come with ``runs``."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"{name} {value}: give at least 1")
    threads, runs = counts["threads"], counts["runs"]
    if threads is not None and threads > MOST_THREADS:
        raise InputError(f"threads {threads}: give at most {MOST_THREADS}")
    if runs is not None and seconds is not None:
        raise InputError(f"runs {runs} and seconds {seconds:g}: give one of the two")
    if seconds is not None and not 0 < seconds < math.inf:
        raise InputError(f"seconds {seconds:g}: give a number above 0")


def _choose_artifacts(bundle: Bundle, names: Sequence[str] | None) -> list[Artifact]:
    if names:
        return [choose_artifact(bundle, name) for name in dict.fromkeys(names)]
    chosen = [artifact for artifact in bundle.manifest.artifacts if artifact.kind == "sequence"]
    if not chosen:
        raise InputError(f"{bundle.path} has stream artifacts alone: add --stream")
    return chosen


def _call(session: Session, inputs: BenchInputs) -> Callable[[], object]:
    run, feeds = session.run, inputs.feeds
    return lambda: run(feeds)
