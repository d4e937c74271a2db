"""Replay a bundle's golden vectors on this machine: the same answers as Keras gave, or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.files.guard.question import answer, ask
from deeprnn_edge.files.strict_json import decode
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs.features import make_feature_encoders
from deeprnn_edge.inputs.items import to_batch
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.parity.difference import Difference, compare
from deeprnn_edge.parity.replay import Replay
from deeprnn_edge.runtimes.artifacts import choose_artifact, open_artifact

# What two float32 of one float64 number may differ by is 6e-8 of it; the rest is for the order of three operations.
VALUES_ATOL = 1e-6


@dataclass(frozen=True)
class Verification:
    """Say what one artifact answered on this machine.

    Attributes:
        artifact: its path in the bundle.
        atol: what is allowed.
        exact: whether a label that flips is a failure.
        differences: one for each output of each case replayed.
        skipped: cases whose shape the artifact does not take, by name.
        problem: why it could not run here at all; then there is nothing else.
    """

    artifact: str
    atol: float
    exact: bool
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...]
    problem: str | None = None

    @property
    def max_abs_diff(self) -> float:
        """Return the largest absolute difference to Keras."""
        return max((difference.max_abs_diff for difference in self.differences), default=float("inf"))

    @property
    def label_flips(self) -> int:
        """Return the rows whose label differs from Keras's."""
        return sum(difference.label_flips for difference in self.differences)

    @property
    def failures(self) -> list[Difference]:
        """Return the outputs that are further from Keras than allowed."""
        return [difference for difference in self.differences if difference.exceeds(self.atol, exact=self.exact)]

    @property
    def passed(self) -> bool:
        """Return whether at least one case ran, and every one within the tolerance."""
        return bool(self.differences) and not self.failures


def verify(path: str | Path, *, artifact: str | None = None, trusted: bool = False) -> list[Verification]:
    """Check a bundle's hashes and replay its golden vectors; in chunks for a stream.

    The files run in a process of their own, with limits of time and memory, as a damaged one can end the process.

    Args:
        path: of the bundle.
        artifact: the path of the only one to replay. Of all, those whose runtime is not installed or not known here
            are skipped: they have a ``problem`` instead of differences.
        trusted: run them in this process.

    Raises:
        BundleError: where a file is missing, altered or unreadable, or the bundle was packed without golden vectors;
            and where a file ends the process that runs it, or does not answer in time.
        MissingExtraError: where there is no runtime here for the artifact that was asked for, or for any.
    """
    bundle = open_bundle(path)
    if trusted:
        return _verify_here(bundle, artifact)
    request = {"path": str(path), "artifact": artifact}
    found = ask(__name__, request, where=str(path), file_bytes=bundle.largest_bytes())
    results: list[Verification] = decode(tuple[Verification, ...], found, "the answer of verify")
    return list(results)


def _verify_here(bundle: Bundle, artifact: str | None) -> list[Verification]:
    cases = bundle.golden_cases()
    for companion in bundle.manifest.companions:
        bundle.read(companion.path)  # the hash holds, or this is the error
    if artifact is not None:
        return [verify_artifact(bundle, choose_artifact(bundle, artifact), cases)]
    results: list[Verification] = []
    missing: MissingExtraError | None = None
    for one in bundle.manifest.artifacts:
        try:
            results.append(verify_artifact(bundle, one, cases))
        except MissingExtraError as error:
            missing = error
            results.append(Verification(one.path, one.parity.atol, one.is_exact, (), (), problem=str(error)))
    if missing is not None and all(result.problem for result in results):
        raise missing
    return results


def verify_artifact(bundle: Bundle, artifact: Artifact, cases: list[Case]) -> Verification:
    """Replay cases in the runtime of one artifact."""
    report(artifact.path)
    manifest = bundle.manifest
    stream = manifest.stream if artifact.kind == "stream" else None
    replay = Replay(open_artifact(bundle, artifact), manifest.inputs, stream, artifact.chunk)
    decisions = decision_outputs(manifest.outputs, manifest.labels, manifest.answer)
    chosen, skipped = replay.choose(cases)
    for case in chosen:
        for spec in stream.inputs if stream else manifest.inputs:
            feeds.check(case.inputs[spec.name], spec)
    differences = [] if stream else _compare_raw(bundle, chosen)
    if not stream and any(case.values for case in chosen):
        differences += compare_values(chosen, manifest.preprocessing, manifest.inputs)
    differences += compare_cases(replay, chosen, manifest.outputs, exact=artifact.is_exact, decisions=decisions)
    names = tuple(case.name for case in skipped)
    return Verification(artifact.path, artifact.parity.atol, artifact.is_exact, tuple(differences), names)


def _compare_raw(bundle: Bundle, cases: Sequence[Case]) -> list[Difference]:
    """Hold the ids that raw texts become here against Keras's; what is equal is no difference."""
    rules = bundle.manifest.preprocessing
    raw = [case for case in cases if case.texts]
    encoder = TextEncoder(rules, bundle.vocabulary() if raw else ())
    differences = []
    for case in raw:
        (name, expected), *_ = case.inputs.items()
        rows = [encoder.encode(text) for text in case.texts]
        ids = to_batch(rows, rules, rules.max_length or expected.shape[1])
        wrong = ids.shape[0] if ids.shape != expected.shape else int((ids != expected).any(axis=1).sum())
        if wrong:
            problem = f"{wrong} of {len(case.texts)} texts become other ids"
            differences.append(Difference(case.name, name, float("inf"), 0, problem))
    return differences


def compare_values(cases: Sequence[Case], rules: Preprocessing, inputs: Sequence[TensorSpec]) -> list[Difference]:
    """Hold the inputs that raw values become here against those that they were to become.

    Raises:
        BundleError: for raw values that the steps do not take.
    """
    encoders = make_feature_encoders(rules, inputs)
    differences = []
    for case in cases:
        for name, values in case.values.items():
            expected = case.inputs[name]
            try:
                if len(inputs) > 1:
                    made = encoders[name].encode(values)
                else:
                    made = to_batch(encoders[name].rows(values), rules, rules.max_length or expected.shape[1])
            except (InputError, KeyError) as error:
                raise BundleError(f"the raw values of {case.name} do not fit the steps of {name!r}: {error}") from error
            if (worst := values_apart(made, expected)) > VALUES_ATOL:
                problem = f"raw values become others, by {worst:.1e}"
                differences.append(Difference(case.name, name, float("inf"), 0, problem))
    return differences


def values_apart(made: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference of what raw values became; relative above 1, as both are float32."""
    if made.shape != expected.shape:
        return float("inf")
    wide = expected.astype(np.float64)
    return float(np.max(np.abs(made - wide) / np.maximum(1.0, np.abs(wide)), initial=0.0))


def compare_cases(
    replay: Replay,
    cases: Sequence[Case],
    outputs: Sequence[TensorSpec],
    *,
    exact: bool,
    decisions: Mapping[str, Answer | None],
) -> list[Difference]:
    """Run an artifact on cases, and hold every answer against Keras's.

    Args:
        replay: runs the artifact.
        cases: to run.
        outputs: the model's own.
        exact: whether the states that a stream ends with are held too: those of fewer bits have no meaning of their
            own, and no scale in common with the outputs, to which the bound belongs.
        decisions: the outputs whose labels are compared too, and what their numbers stand for.
    """
    names = {spec.name for spec in outputs}
    differences: list[Difference] = []
    for case in cases:
        expected = {name: values for name, values in case.outputs.items() if exact or name in names}
        for name, answers in replay.run(case):
            differences += compare(name, expected, answers, decisions=decisions, truth=case.truth)
    return differences


def decision_outputs(
    outputs: Sequence[TensorSpec], labels: Sequence[str], answer: Answer | None
) -> dict[str, Answer | None]:
    """Return the outputs that stand for labels: the only one of a model with labels, where it is no quantity."""
    if not labels or len(outputs) != 1 or (answer is not None and answer.kind == "number"):
        return {}
    return {outputs[0].name: answer}


def _answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(one) for one in _verify_here(open_bundle(request["path"]), request["artifact"])]


if __name__ == "__main__":
    answer(_answer)
