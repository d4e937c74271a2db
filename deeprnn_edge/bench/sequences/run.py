"""Measure a bundle's artifacts on this machine, beside each other and beside Keras.

What is timed is ``Session.run`` on ready arrays: no text becomes ids, nothing is padded, no input is
checked, as ``predict`` and ``run`` of a model do around it. A TFLite artifact takes one row at a time,
so a batch is as many runs of it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deeprnn_edge.bench.inputs import BenchInputs, choose_inputs
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.results import BenchOptions, BenchReport
from deeprnn_edge.bench.sequences.entries import artifact_entry, check_answers, file_entry, start
from deeprnn_edge.bench.timing import time_alternating
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.runtimes.artifacts import choose_artifact
from deeprnn_edge.runtimes.session import Session

SEED = 0
DEFAULT_SECONDS = 2.0
# Beyond the cores of any small device; the runtimes take a C int and start them all.
MOST_THREADS = 1024


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

    Every entry answers the inputs before they are timed, and has to agree with Keras's stored
    answers, or with Keras itself, or with the strictest of the artifacts, within 1e-4.

    Args:
        path: of the bundle.
        artifacts: paths inside the bundle, such as ``model.onnx``; None for all that run whole sequences.
        batch: rows of one call.
        length: time steps, where the model's time axis is free; None for what the bundle pads to.
        threads: threads inside one call of an artifact.
        runs: calls of each entry.
        seconds: about how long each entry is called, in place of ``runs``; by default 2.
        keras: a ``.keras`` file of the same model, which becomes an entry where the workshop is installed: called as a
            compiled ``tf.function``, which is quicker than ``model.predict``.
        probes: start each in a fresh process, for load time, first call and memory: most of a short benchmark.
        progress: called with a line at each step.

    Raises:
        InputError: for options that cannot be used and where no entry runs.
        BundleError: for a damaged bundle.
        MissingExtraError: for ``keras`` without the workshop.
    """
    check_options({"batch": batch, "length": length, "threads": threads, "runs": runs}, seconds)
    if runs is None and seconds is None:
        seconds = DEFAULT_SECONDS
    bundle = open_bundle(path)
    chosen = _choose_artifacts(bundle, artifacts)
    entries = []
    for artifact in chosen:
        progress(f"loading {artifact.path}")
        entries.append(artifact_entry(bundle, artifact, threads=threads))
    if keras is not None:
        progress(f"loading {keras}")
        entries.append(file_entry(Path(keras)))
    fixed_shapes = [entry.session.fixed_shapes for entry in entries if entry.session]
    inputs = choose_inputs(bundle, batch=batch, length=length, fixed_shapes=fixed_shapes, seed=SEED)
    entries, reference = check_answers(entries, inputs)
    for index, entry in enumerate(entries):
        if probes and entry.result.status == "ok":
            progress(f"starting {entry.result.name} in a fresh process")
            entries[index] = start(entry, inputs)
    running = {entry.result.name: entry.session for entry in entries if entry.result.status == "ok" and entry.session}
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
        rows=tuple(dataclasses.replace(entry.result, timing=timings.get(entry.result.name)) for entry in entries),
        machine=describe_machine(),
    )


def check_options(counts: Mapping[str, int | None], seconds: float | None) -> None:
    """Check the options that a benchmark of any kind has.

    Args:
        counts: name to count, ``threads`` and ``runs`` among them; None where it was not given.
        seconds: how long each entry is called.

    Raises:
        InputError: for a count below 1, too many threads, or seconds that are none or come with ``runs``.
    """
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
        raise InputError(f"{bundle.path} has stream artifacts alone: add stream=True")
    return chosen


def _call(session: Session, inputs: BenchInputs) -> Callable[[], object]:
    run, feeds = session.run, inputs.feeds
    return lambda: run(feeds)
