"""Load what a benchmark compares: the artifacts of a bundle, and a file of a registered format beside them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from deeprnn_edge.bench.cold_start import Probe, probe_artifact, probe_file
from deeprnn_edge.bench.inputs import BenchInputs
from deeprnn_edge.bench.results import BenchResult
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.inspection.plugins import load_format
from deeprnn_edge.parity.difference import compare
from deeprnn_edge.runtimes.artifacts import open_session, read_artifact
from deeprnn_edge.runtimes.session import Session

# Ten times what export allows an fp32 artifact: another CPU adds up in another order. An artifact
# that was exported with a wider tolerance (int8) keeps its own.
AGREEMENT_ATOL = 1e-4

T = TypeVar("T")


@dataclass(frozen=True)
class BenchEntry:
    """Hold a result as far as it is known, and what it takes to complete it.

    Attributes:
        atol: how far its answers may be from the reference.
        session: None where it cannot run, in which case ``error`` says why.
        probe: measures its start in a fresh process.
    """

    result: BenchResult
    atol: float
    session: Session | None
    probe: Callable[[Mapping[str, NDArray[Any]]], Probe]
    error: InputError | None = None


def artifact_entry(bundle: Bundle, artifact: Artifact, *, threads: int) -> BenchEntry:
    """Load an artifact, or keep why it cannot run here.

    Args:
        bundle: that has it.
        artifact: to load.
        threads: threads inside one call.

    Raises:
        BundleError: where the file is damaged.
    """
    content = read_artifact(bundle, artifact)
    session, error = None, None
    try:
        if artifact.kind != "sequence":
            raise InputError(
                f"{artifact.path} goes on from chunk to chunk, and bench times whole sequences: add stream=True"
            )
        session = open_session(
            content, kind=artifact.format, path=artifact.path, threads=threads, delegates=artifact.delegates
        )
    except InputError as raised:
        error = raised
    return BenchEntry(
        result=BenchResult(
            name=artifact.path,
            format=artifact.format,
            precision=artifact.precision,
            size_bytes=artifact.size_bytes,
            status="skipped" if error else "ok",
            problem=str(error) if error else None,
        ),
        atol=max(AGREEMENT_ATOL, artifact.parity.atol),
        session=session,
        probe=lambda feeds: probe_artifact(bundle.path, artifact.path, feeds, threads=threads),
        error=error,
    )


def file_entry(path: Path) -> BenchEntry:
    """Load a ``.keras`` or ``.h5`` file.

    Raises:
        InputError: for another file.
        MissingExtraError: without the workshop.
    """
    if path.suffix.lower() not in (".keras", ".h5"):
        raise InputError(f"{path} is no .keras or .h5 file; give the one that the bundle was exported from")
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    return BenchEntry(
        result=BenchResult(path.name, "keras", None, path.stat().st_size, status="ok"),
        atol=AGREEMENT_ATOL,
        session=load_format(path).open_runner(path),
        probe=lambda feeds: probe_file(path, feeds),
    )


def check_answers(entries: Sequence[BenchEntry], inputs: BenchInputs) -> tuple[list[BenchEntry], str]:
    """Run each entry once and compare its answers with the reference.

    Returns:
        The entries, with what came out, and the reference's name.

    Raises:
        InputError: the error of the first entry, where none runs.
    """
    answers: dict[str, dict[str, NDArray[Any]]] = {}
    checked = []
    for entry in entries:
        answer = _answer(entry, inputs)
        if isinstance(answer, InputError):
            result = dataclasses.replace(entry.result, status="skipped", problem=str(answer))
            checked.append(dataclasses.replace(entry, result=result, session=None, error=answer))
        else:
            answers[entry.result.name] = answer
            checked.append(entry)
    if not answers:
        raise next(entry.error for entry in checked if entry.error is not None)
    running = [entry for entry in checked if entry.result.name in answers]
    strictest = min(running, key=lambda entry: (entry.result.format != "keras", entry.atol))
    reference = "golden.npz" if inputs.expected else strictest.result.name
    expected = inputs.expected or answers[reference]
    return [
        _compare(c, expected, answers[c.result.name]) if c.result.name in answers else c for c in checked
    ], reference


def attempt(call: Callable[[], T]) -> T | InputError:
    """Return what a call gives, or why it cannot: a runtime's own exception too becomes one line."""
    try:
        return call()
    except InputError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the runtimes' exceptions have no common base
        return InputError(" ".join(str(error).split()))


def start(entry: BenchEntry, inputs: BenchInputs) -> BenchEntry:
    """Measure its start in a fresh process."""
    try:
        result = dataclasses.replace(entry.result, start=entry.probe(inputs.feeds))
    except InputError as error:
        result = dataclasses.replace(entry.result, problem=str(error))
    return dataclasses.replace(entry, result=result)


def _answer(entry: BenchEntry, inputs: BenchInputs) -> dict[str, NDArray[Any]] | InputError:
    if entry.session is None:
        return entry.error or InputError("it cannot run here")
    run = entry.session.run
    report(entry.result.name)
    return attempt(lambda: run(inputs.feeds))


def _compare(entry: BenchEntry, expected: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> BenchEntry:
    worst = max(compare("bench", expected, got, decisions={}), key=lambda difference: difference.max_abs_diff)
    agrees = worst.max_abs_diff <= entry.atol
    problem = worst.problem or f"differs by {worst.max_abs_diff:.2g}, and {entry.atol:g} is allowed"
    result = dataclasses.replace(
        entry.result,
        status="ok" if agrees else "differs",
        problem=None if agrees else f"output {worst.output!r}: {problem}",
        max_abs_diff=worst.max_abs_diff if math.isfinite(worst.max_abs_diff) else None,
    )
    return dataclasses.replace(entry, result=result)
