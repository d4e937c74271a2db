"""Measure a bundle's streams on this machine: what a step costs, and what the same answer costs without a stream.

What is timed is ``Stream.push`` of ready arrays, with the checks that it makes of them: what a program pays that
has its next steps at hand. Beside it ``Model.run`` on a whole window, with its own checks: what each answer costs
a program that keeps the last steps and runs them all again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deeprnn_edge.bench.inputs import DEFAULT_LENGTH, random_inputs
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.results import StreamBenchOptions, StreamBenchReport
from deeprnn_edge.bench.sequences.run import SEED, check_options
from deeprnn_edge.bench.streams.entries import (
    StreamEntry,
    check_streams,
    check_windows,
    cut_chunks,
    last_steps,
    stream_entry,
)
from deeprnn_edge.bench.streams.results import Timings, make_result
from deeprnn_edge.bench.timing import Timing, time_alternating
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.model import Model
from deeprnn_edge.inference.stream_source import stream_spec
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.runtimes.artifacts import choose_artifact

DEFAULT_CHUNKS = (1, 10, 100)
DEFAULT_SECONDS = 1.0
_MOST_CHUNKS = 100  # that a push goes round on

Call = Callable[[], object]


def bench_stream(
    path: str | Path,
    *,
    artifacts: Sequence[str] | None = None,
    batch: int = 1,
    chunks: Sequence[int] | None = None,
    window: int | None = None,
    sample_rate: float | None = None,
    threads: int = 1,
    runs: int | None = None,
    seconds: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> StreamBenchReport:
    """Measure stream artifacts of a bundle: answers first, then pushes and windows in turn.

    Inputs are random. Every stream has to agree, in chunks of each size, with the file of its format and
    precision for whole sequences, or with the strictest stream in one chunk.

    Args:
        path: of the bundle.
        artifacts: paths inside the bundle, such as ``stream.onnx``; None for all streams.
        batch: rows of one stream.
        chunks: steps of one push; None for 1, 10 and 100, and the own size of a file that takes steps by so many.
        window: steps that a program without a stream runs again for an answer; None for what the bundle pads to, else
            what its files take, else 100.
        sample_rate: steps a second that come in, for the real-time factor.
        threads: threads inside one call.
        runs: calls of each size and window.
        seconds: about how long each is called, in place of ``runs``; by default 1.
        progress: called with a line at each step.

    Raises:
        InputError: for options that cannot be used, for a bundle without streams and where none of them runs.
        BundleError: for a damaged bundle.
    """
    smallest = min(chunks) if chunks else None
    check_options({"batch": batch, "chunk": smallest, "window": window, "threads": threads, "runs": runs}, seconds)
    if sample_rate is not None and not 0 < sample_rate < math.inf:
        raise InputError(f"sample rate {sample_rate:g}: give a number of steps a second above 0")
    if runs is None and seconds is None:
        seconds = DEFAULT_SECONDS
    bundle = open_bundle(path)
    entries = []
    for artifact in _choose_artifacts(bundle, artifacts):
        progress(f"loading {artifact.path}")
        entries.append(
            stream_entry(
                bundle,
                artifact,
                chunks=chunks or DEFAULT_CHUNKS,
                own_chunk=not chunks,
                threads=threads,
            )
        )
    spec = stream_spec(bundle.manifest, entries[0].artifact)
    window = window or _default_window(spec, bundle.manifest, entries)
    steps = max(window, *(size for one in entries for size in (one.unit, *one.chunks)))
    arrays = random_inputs(spec.inputs, batch=batch, length=steps, seed=SEED)
    progress("checking the answers")
    entries = check_windows(check_streams(entries, arrays, window), last_steps(spec, arrays, window))
    _require_one(entries)
    calls = {name: call for one in entries if one.agrees for name, call in _calls(one, spec, arrays, window)}
    if calls:
        progress(f"timing {len(calls)} kinds of calls: " + (f"{runs} of each" if runs else f"about {seconds:g} s each"))
    timings = time_alternating(calls, rows=batch, runs=runs, seconds=seconds)
    sizes = tuple(sorted(set(chunks))) if chunks else None
    options = StreamBenchOptions(batch, sizes, window, sample_rate, threads, runs, seconds, SEED)
    return StreamBenchReport(
        bundle=str(path),
        name=bundle.manifest.name,
        options=options,
        rows=tuple(make_result(one, spec, _timings_of(one, timings), options) for one in entries),
        machine=describe_machine(),
    )


def _choose_artifacts(bundle: Bundle, names: Sequence[str] | None) -> list[Artifact]:
    streams = [artifact for artifact in bundle.manifest.artifacts if artifact.kind == "stream"]
    if not streams:
        raise InputError(
            f"{bundle.path} has no stream artifacts; export the model again with: deeprnn-edge export MODEL --stream"
        )
    chosen = [choose_artifact(bundle, name) for name in dict.fromkeys(names)] if names else streams
    for artifact in chosen:
        if artifact.kind != "stream":
            paths = ", ".join(stream.path for stream in streams)
            raise InputError(f"{artifact.path} takes whole sequences; the bundle's streams are {paths}")
    return chosen


def _default_window(spec: StreamSpec, manifest: Manifest, entries: Sequence[StreamEntry]) -> int:
    """Return what the bundle pads to, else what the model or its files for whole sequences take, else 100."""
    shapes: list[Mapping[str, tuple[int | str, ...]]] = [{one.name: one.shape for one in manifest.inputs}]
    shapes += [one.window.input_shapes for one in entries if isinstance(one.window, Model)]
    timed = [(one.name, one.shape.index("time")) for one in spec.inputs if "time" in one.shape]
    stated = (size for shape in shapes for name, axis in timed if isinstance(size := shape[name][axis], int))
    return manifest.preprocessing.max_length or next(stated, DEFAULT_LENGTH)


def _require_one(entries: Sequence[StreamEntry]) -> None:
    """Raise where no stream runs, or none takes a size that was asked for."""
    running = [one for one in entries if isinstance(one.stream, Model)]
    if not running:
        raise next(one.stream for one in entries if isinstance(one.stream, InputError))
    if not any(one.chunks for one in running):
        first = running[0]
        sizes = ", ".join(map(str, first.refused))
        raise InputError(f"chunk {sizes}: {first.artifact.path} {first.refusal}")


def _calls(entry: StreamEntry, spec: StreamSpec, arrays: Arrays, window: int) -> Iterator[tuple[str, Call]]:
    """Yield what is timed of a stream, by a name for each: a push of each size, and the run of the window."""
    if isinstance(entry.stream, Model):
        for size in entry.chunks:
            yield _push_name(entry, size), _pusher(entry.stream, spec, arrays, size)
    if entry.chunks and isinstance(entry.window, Model):
        run, inputs = entry.window.run, last_steps(spec, arrays, window)
        yield entry.window.artifact.path, lambda: run(inputs)


def _pusher(model: Model, spec: StreamSpec, arrays: Arrays, size: int) -> Call:
    """Push the next chunk of a sequence that begins again at its end: other ids read other rows of their table."""
    count = min(count_steps(spec.inputs, arrays) // size, _MOST_CHUNKS)
    chunks = itertools.cycle(cut_chunks(spec, last_steps(spec, arrays, count * size), size))
    push = model.stream(len(next(iter(arrays.values())))).push
    return lambda: push(next(chunks))


def _push_name(entry: StreamEntry, size: int) -> str:
    return f"{entry.artifact.path} by {size}"


def _timings_of(entry: StreamEntry, timings: Mapping[str, Timing]) -> Timings:
    window = entry.window
    return Timings(
        pushes={size: timings[name] for size in entry.chunks if (name := _push_name(entry, size)) in timings},
        window=timings.get(window.artifact.path) if isinstance(window, Model) else None,
    )
