"""Write the files that were asked for into a bundle's folder, each once it was converted, checked and evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact, Evaluation, MissingArtifact
from deeprnn_edge.errors import BundleError, DeepRNNEdgeError, InputError, UnsupportedModelError
from deeprnn_edge.parity.verify import decision_outputs
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.parity.evaluation import Reference, evaluate_file
from deeprnn_export.parity.gate import ParityReport, check_parity, require_accuracy, require_parity
from deeprnn_export.pipeline.artifacts import File, PlannedFile, plan_files
from deeprnn_export.pipeline.file_notes import file_notes
from deeprnn_export.pipeline.loaded_model import LoadedModel
from deeprnn_export.pipeline.options import ExportOptions
from deeprnn_export.targets.conversion_input import ConversionInput


class ArtifactWriter:
    """Make files, and remember what became of each.

    Args:
        folder: of the bundle.
        loaded: the model, whose output the labels are of.
        options: of the export.
        reference: what Keras answered to the data that files are evaluated on.
        cut: makes the ids that a smaller table knows.

    Attributes:
        artifacts: the files that were written.
        missing: those that could not be, where the others are kept.
        decisions: the outputs whose labels are compared, and what their numbers stand for.
    """

    def __init__(
        self,
        folder: Path,
        loaded: LoadedModel,
        options: ExportOptions,
        reference: Reference | None,
        cut: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> None:
        self.artifacts: list[Artifact] = []
        self.missing: list[MissingArtifact] = []
        self._folder, self._loaded, self._options, self._reference, self._cut = folder, loaded, options, reference, cut
        self.decisions = decision_outputs(loaded.signature.outputs, loaded.rules.labels, loaded.rules.answer)
        self._reports: list[ParityReport] = []
        self._first: DeepRNNEdgeError | None = None
        self._streaming: set[str] = set()

    @property
    def streams(self) -> bool:
        """Return whether a file that was written streams."""
        return any(artifact.path in self._streaming for artifact in self.artifacts)

    def write(self, sources: Sequence[ConversionInput]) -> None:
        """Make every file of the model and of its streaming twin.

        Raises:
            DeepRNNEdgeError: for what the first file fails with; with ``keep_going`` where none is left.
        """
        whole: dict[str, Conversion] = {}
        for planned in chain.from_iterable(self._plan(source, whole) for source in sources):
            if any(one.path == planned.path for one in self.missing):
                continue  # its twin, which is the same file
            with self._noting(planned):
                self._write(planned.make())
        require_parity(self._reports)
        require_accuracy(self.artifacts, self._options.max_accuracy_drop)
        if not self.artifacts and self._first is not None:
            raise self._first

    def _plan(self, source: ConversionInput, whole: dict[str, Conversion]) -> Iterator[PlannedFile]:
        stream = None if source.stream is None else source.stream.spec
        notes = file_notes(source.name, self._loaded.rules, stream)
        return plan_files(source, self._options, whole, notes)

    def _write(self, file: File) -> None:
        self._options.progress(f"checking {file.path} against Keras")
        replay = file.replay()
        report = check_parity(
            replay,
            file.path,
            file.source.cases,
            file.source.outputs,
            tolerance=file.tolerance,
            decisions=self.decisions,
        )
        if self._options.keep_going:
            require_parity([report])
        self._reports.append(report)
        if file.source.stream is not None:
            self._streaming.add(file.path)
        if file.is_twin:  # the file for whole sequences streams itself
            return
        evaluation = None
        if self._reference is not None and report.passed:
            self._options.progress(f"evaluating {file.path} on {self._reference.dataset.name}")
            evaluation = evaluate_file(replay, self._reference, self._loaded.signature, prepare=self._cut)
        artifact = _artifact(file, report, evaluation)
        if self._options.keep_going:
            require_accuracy([artifact], self._options.max_accuracy_drop)
        for name, content in {file.path: file.converted.content, **file.converted.companions}.items():
            (self._folder / name).write_bytes(content)
        self.artifacts.append(artifact)

    @contextmanager
    def _noting(self, planned: PlannedFile) -> Iterator[None]:
        """Note that a file cannot be made, where the others are kept."""
        try:
            yield
        except DeepRNNEdgeError as error:
            # An option that cannot be used is the caller's to mend, and not the file's.
            wrong_option = isinstance(error, InputError) and not isinstance(error, BundleError | UnsupportedModelError)
            if not self._options.keep_going or wrong_option:
                raise
            self._first = self._first or error
            target = planned.target.name
            reason = str(error).replace("; nothing was exported", "")
            self.missing.append(MissingArtifact(planned.path, target, planned.precision, planned.kind, reason))
            self._options.progress(f"{planned.path} is left out: {reason}")
            # What streams and answers whole sequences is one file.
            self.artifacts = [artifact for artifact in self.artifacts if artifact.path != planned.path]


def _artifact(file: File, report: ParityReport, evaluation: Evaluation | None) -> Artifact:
    return Artifact(
        path=file.path,
        format=file.target.name,
        precision=file.precision,
        kind="sequence" if file.source.stream is None else "stream",
        size_bytes=len(file.converted.content),
        sha256=hashlib.sha256(file.converted.content).hexdigest(),
        parity=report.summary(),
        accuracy=evaluation.accuracy if evaluation else None,
        operators=dict(file.operators),
        recurrences=file.converted.recurrences,
        evaluation=evaluation,
        tensors=file.converted.tensors,
        chunk=file.chunk,
        delegates=file.converted.delegates,
    )
