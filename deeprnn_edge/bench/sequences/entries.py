"""What a benchmark compares: the artifacts of a bundle, and a file of a registered format beside them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from numpy.typing import NDArray

from deeprnn_edge.bench.cold_start import Probe, probe_artifact, probe_file
from deeprnn_edge.bench.inputs import BenchInputs
from deeprnn_edge.bench.timing import Timing
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import Artifact
from deeprnn_edge.errors import InputError
from deeprnn_edge.inspection.plugins import load_format
from deeprnn_edge.parity.difference import compare
from deeprnn_edge.runtimes.artifacts import open_session, read_artifact
from deeprnn_edge.runtimes.session import Session

# Ten times what export allows an fp32 artifact: another CPU adds up in another order. An artifact
# that was exported with a wider tolerance (int8) keeps its own.
AGREEMENT_ATOL = 1e-4

T = TypeVar("T")


@dataclass(frozen=True)
class BenchRow:
    """One contender.

    status: ``ok``; ``differs``, where its answers do and it was not timed; ``skipped``, where it cannot
        run here or does not take the inputs. ``problem`` says why.
    max_abs_diff: its largest absolute difference to the reference on the timed inputs, if it is finite.
    """

    name: str
    format: str
    precision: str | None
    size_bytes: int
    status: Literal["ok", "differs", "skipped"]
    problem: str | None = None
    max_abs_diff: float | None = None
    start: Probe | None = None
    timing: Timing | None = None


@dataclass(frozen=True)
class Contender:
    """A row as far as it is known, and what it takes to fill it.

    atol: how far its answers may be from the reference.
    session: None where it cannot run, in which case ``error`` says why.
    probe: measures its start in a fresh process.
    """

    row: BenchRow
    atol: float
    session: Session | None
    probe: Callable[[Mapping[str, NDArray[Any]]], Probe]
    error: InputError | None = None


def artifact_contender(bundle: Bundle, artifact: Artifact, *, threads: int) -> Contender:
    """An artifact, or why it cannot run here. Raises BundleError where the file is damaged."""
    content = read_artifact(bundle, artifact)
    session, error = None, None
    try:
        if artifact.kind != "sequence":
            raise InputError(
                f"{artifact.path} goes on from chunk to chunk, and bench times whole sequences: add --stream"
            )
        session = open_session(content, kind=artifact.format, path=artifact.path, threads=threads)
    except InputError as raised:
        error = raised
    return Contender(
        row=BenchRow(
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


def file_contender(path: Path) -> Contender:
    """A ``.keras`` or ``.h5`` file. Raises InputError for another, and MissingExtraError without the workshop."""
    if path.suffix.lower() not in (".keras", ".h5"):
        raise InputError(f"{path} is no .keras or .h5 file; give the one that the bundle was exported from")
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    return Contender(
        row=BenchRow(path.name, "keras", None, path.stat().st_size, status="ok"),
        atol=AGREEMENT_ATOL,
        session=load_format(path).open_runner(path),
        probe=lambda feeds: probe_file(path, feeds),
    )


def check_answers(contenders: Sequence[Contender], inputs: BenchInputs) -> tuple[list[Contender], str]:
    """Run each once and hold its answers against the reference, whose name is returned.

    Raises the error of the first where none runs.
    """
    answers: dict[str, dict[str, NDArray[Any]]] = {}
    checked = []
    for contender in contenders:
        answer = _answer(contender, inputs)
        if isinstance(answer, InputError):
            row = dataclasses.replace(contender.row, status="skipped", problem=str(answer))
            checked.append(dataclasses.replace(contender, row=row, session=None, error=answer))
        else:
            answers[contender.row.name] = answer
            checked.append(contender)
    if not answers:
        raise next(contender.error for contender in checked if contender.error is not None)
    running = [contender for contender in checked if contender.row.name in answers]
    strictest = min(running, key=lambda contender: (contender.row.format != "keras", contender.atol))
    reference = "golden.npz" if inputs.expected else strictest.row.name
    expected = inputs.expected or answers[reference]
    return [_compare(c, expected, answers[c.row.name]) if c.row.name in answers else c for c in checked], reference


def attempt(call: Callable[[], T]) -> T | InputError:
    """What a call gives, or why it cannot: a runtime's own exception too becomes one line."""
    try:
        return call()
    except InputError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the runtimes' exceptions have no common base
        return InputError(" ".join(str(error).split()))


def start(contender: Contender, inputs: BenchInputs) -> Contender:
    """Measure its start in a fresh process."""
    try:
        row = dataclasses.replace(contender.row, start=contender.probe(inputs.feeds))
    except InputError as error:
        row = dataclasses.replace(contender.row, problem=str(error))
    return dataclasses.replace(contender, row=row)


def _answer(contender: Contender, inputs: BenchInputs) -> dict[str, NDArray[Any]] | InputError:
    if contender.session is None:
        return contender.error or InputError("it cannot run here")
    run = contender.session.run
    return attempt(lambda: run(inputs.feeds))


def _compare(contender: Contender, expected: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> Contender:
    worst = max(compare("bench", expected, got, decisions=()), key=lambda difference: difference.max_abs_diff)
    agrees = worst.max_abs_diff <= contender.atol
    problem = worst.problem or f"differs by {worst.max_abs_diff:.2g}, and {contender.atol:g} is allowed"
    row = dataclasses.replace(
        contender.row,
        status="ok" if agrees else "differs",
        problem=None if agrees else f"output {worst.output!r}: {problem}",
        max_abs_diff=worst.max_abs_diff if math.isfinite(worst.max_abs_diff) else None,
    )
    return dataclasses.replace(contender, row=row)
