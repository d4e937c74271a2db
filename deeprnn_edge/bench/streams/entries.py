"""Load what a benchmark of streams compares: stream artifacts, each with the file that runs a window again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from deeprnn_edge.bench.sequences.entries import AGREEMENT_ATOL, attempt
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.inference.model import Model
from deeprnn_edge.inference.stream_source import stream_spec
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.time_axis import count_steps, join_steps, take_steps
from deeprnn_edge.parity.difference import Difference, compare
from deeprnn_edge.runtimes.artifacts import open_content, read_artifact


@dataclass(frozen=True)
class Agreement:
    """Hold how a stream answered beside its reference.

    Attributes:
        reference: the file that answered whole sequences.
        steps: of the sequence that both answered.
        difference: the largest of all the ways to cut it into chunks.
        atol: what is allowed.
    """

    reference: str
    steps: int
    difference: Difference
    atol: float

    @property
    def holds(self) -> bool:
        """Tell whether the difference is allowed."""
        return not self.difference.exceeds(self.atol, exact=False)


@dataclass(frozen=True)
class StreamEntry:
    """Hold a stream artifact, and the one of the same format and precision for whole sequences.

    Attributes:
        stream: a model, or why the artifact cannot run here.
        window: a model of the other, or why there is none.
        chunks: the sizes to time; those of ``refused`` it does not take.
        agreement: once its answers were checked.
    """

    artifact: Artifact
    stream: Model | InputError
    window: Model | InputError
    chunks: tuple[int, ...]
    refused: tuple[int, ...]
    agreement: Agreement | None = None

    @property
    def unit(self) -> int:
        """Return the number of steps whose multiples it takes."""
        return self.artifact.chunk or 1

    @property
    def agrees(self) -> bool:
        """Tell whether it runs and its answers are right."""
        return isinstance(self.stream, Model) and self.agreement is not None and self.agreement.holds

    @property
    def refusal(self) -> str:
        """Say why it does not take the sizes that it refuses."""
        return f"takes {self.unit} steps at a time; give a multiple of {self.unit}"


def stream_entry(
    bundle: Bundle, artifact: Artifact, *, chunks: Sequence[int], own_chunk: bool, threads: int
) -> StreamEntry:
    """Load a stream artifact and its counterpart for whole sequences.

    Args:
        bundle: that has both.
        artifact: the stream.
        chunks: the sizes to time, of which those are refused that are no multiple of the artifact's own.
        own_chunk: whether to time the artifact's own too.
        threads: threads inside one call.

    Raises:
        BundleError: where a file is damaged.
    """
    unit = artifact.chunk or 1
    sizes = {*chunks, unit} if own_chunk and unit > 1 else set(chunks)
    alike = [
        other
        for other in bundle.manifest.artifacts
        if (other.kind, other.format, other.precision) == ("sequence", artifact.format, artifact.precision)
    ]
    missing = InputError(f"the bundle has no {artifact.format} {artifact.precision} file for whole sequences")
    return StreamEntry(
        artifact=artifact,
        stream=_load(bundle, artifact, threads),
        window=_load(bundle, alike[0], threads) if alike else missing,
        chunks=tuple(sorted(size for size in sizes if size % unit == 0)),
        refused=tuple(sorted(size for size in sizes if size % unit)),
    )


def check_streams(entries: Sequence[StreamEntry], arrays: Arrays, window: int) -> list[StreamEntry]:
    """Compare each stream's answers, pushed in chunks of every size, with those to the same steps as a whole.

    The reference is the file of the same format and precision for whole sequences where it takes so many steps,
    else the strictest stream that does, in one chunk. What fails to run keeps its reason in place of its model.

    Args:
        entries: stream artifacts as they were loaded.
        arrays: inputs of at least ``window`` steps, of which the last ones are answered: as many as the window has, cut
            to a multiple of what the stream takes.
        window: steps that are run again for one answer.
    """
    checked = []
    for entry in entries:
        report(entry.artifact.path)
        result = attempt(partial(_check, entry, entries, arrays, window))
        if isinstance(result, InputError):
            checked.append(dataclasses.replace(entry, stream=result))
        else:
            checked.append(dataclasses.replace(entry, agreement=result))
    return checked


def check_windows(entries: Sequence[StreamEntry], inputs: Arrays) -> list[StreamEntry]:
    """Run each window once; one that does not take it keeps the reason in place of its model."""
    checked = []
    for entry in entries:
        window = entry.window
        report(window.artifact.path if isinstance(window, Model) else entry.artifact.path)
        answer = attempt(partial(window.run, inputs)) if isinstance(window, Model) else window
        if isinstance(answer, InputError):
            entry = dataclasses.replace(entry, window=answer)
        checked.append(entry)
    return checked


def cut_chunks(spec: StreamSpec, arrays: Arrays, size: int) -> list[Any]:
    """Cut the arrays into what ``Stream.push`` takes, ``size`` steps at a time; what is left over is the last."""
    steps = count_steps(spec.inputs, arrays)
    parts = (take_steps(spec.inputs, arrays, start, min(start + size, steps)) for start in range(0, steps, size))
    # An array where there is one input: pushed so, as a user would, it takes the shorter way in.
    return [next(iter(part.values())) if len(part) == 1 else part for part in parts]


def last_steps(spec: StreamSpec, arrays: Arrays, count: int) -> Arrays:
    """Return the last ``count`` steps of the arrays."""
    steps = count_steps(spec.inputs, arrays)
    return take_steps(spec.inputs, arrays, steps - count, steps)


def _load(bundle: Bundle, artifact: Artifact, threads: int) -> Model | InputError:
    content = read_artifact(bundle, artifact)  # a damaged file is an error, one that cannot run here a reason
    session = attempt(partial(open_content, content, artifact, threads=threads))
    return session if isinstance(session, InputError) else Model(bundle, artifact, session, threads=threads)


def _check(entry: StreamEntry, entries: Sequence[StreamEntry], arrays: Arrays, window: int) -> Agreement:
    if isinstance(entry.stream, InputError):
        raise entry.stream
    spec = stream_spec(entry.stream.manifest, entry.artifact)
    steps = max(window - window % entry.unit, entry.unit)
    part = last_steps(spec, arrays, steps)
    reference, expected = _answer_whole(entry, entries, part)
    worst = [
        max(compare("bench", expected, got, decisions={}), key=lambda difference: difference.max_abs_diff)
        for got in _answers_in_chunks(entry.stream, entry.chunks or (entry.unit,), spec, part)
    ]
    return Agreement(
        reference=reference.path,
        steps=steps,
        difference=max(worst, key=lambda difference: difference.max_abs_diff),
        # Export held both to Keras: they may differ by the sum.
        atol=max(AGREEMENT_ATOL, entry.artifact.parity.atol + reference.parity.atol),
    )


def _answer_whole(entry: StreamEntry, entries: Sequence[StreamEntry], arrays: Arrays) -> tuple[Artifact, Arrays]:
    streams = [other.stream for other in entries if isinstance(other.stream, Model)]
    streams.sort(key=lambda model: model.artifact.parity.atol)
    if isinstance(entry.window, Model):
        streams.insert(0, entry.window)
    error = InputError("nothing runs here that its answers could be held against")
    for model in streams:
        answer = attempt(partial(model.run, arrays))
        if not isinstance(answer, InputError):
            return model.artifact, answer
        error = answer
    raise error


def _answers_in_chunks(model: Model, sizes: Sequence[int], spec: StreamSpec, arrays: Arrays) -> Iterator[Arrays]:
    """Yield the outputs for all steps of the arrays, pushed in chunks of each size."""
    batch, steps = len(next(iter(arrays.values()))), count_steps(spec.inputs, arrays)
    for size in sorted({min(size, steps) for size in sizes}):
        stream = model.stream(batch)
        answers = [_by_name(stream.push(chunk), spec) for chunk in cut_chunks(spec, arrays, size)]
        yield join_steps(spec.outputs, answers)


def _by_name(answer: Any, spec: StreamSpec) -> Mapping[str, NDArray[Any]]:
    return answer if isinstance(answer, dict) else {spec.outputs[0].name: answer}
