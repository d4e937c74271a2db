"""Make the files that were asked for of one model: each format converted, each precision stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

from deeprnn_edge.bundle.artifact import LoweredLayer
from deeprnn_edge.parity.replay import Replay
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.parity.tolerance import Tolerance, reduced_tolerance
from deeprnn_export.pipeline.forms import check_forms
from deeprnn_export.pipeline.options import ExportOptions
from deeprnn_export.pipeline.precisions import artifact_path
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.target import Target


@dataclass(frozen=True)
class File:
    """Hold a converted model that is not checked yet, and how far from Keras it may be.

    Attributes:
        source: what it was made of.
        operators: operator to count, as the file says.
        chunk: time steps of one call, where they are fixed and it streams.
        is_twin: whether it is the file for whole sequences once more, to be checked as a stream.
    """

    source: ConversionInput
    target: Target
    precision: str
    path: str
    converted: Conversion
    operators: Mapping[str, int]
    tolerance: Tolerance
    chunk: int | None
    is_twin: bool = False

    def replay(self) -> Replay:
        """Open the file in its own runtime, for replaying cases."""
        plan = self.source.stream
        open_session = self.target.runtime.opener(delegates=self.converted.delegates)
        session = open_session(self.converted.content, self.path, threads=1, steps=plan is not None)
        return Replay(session, self.source.signature.inputs, None if plan is None else plan.spec, self.chunk)


@dataclass(frozen=True)
class PlannedFile:
    """Describe a file that is to be made.

    Attributes:
        path: that it will have.
        make: converts it; UnsupportedModelError for what cannot be converted, DeepRNNEdgeError where the file is not
            what its conversion says.
    """

    path: str
    target: Target
    precision: str
    kind: Literal["sequence", "stream"]
    make: Callable[[], File]


def plan_files(
    source: ConversionInput, options: ExportOptions, whole: dict[str, Conversion], notes: Mapping[str, str]
) -> Iterator[PlannedFile]:
    """Plan a file for each pair of format and precision.

    Args:
        source: the model.
        options: of the export.
        whole: path to what was made of the model before, for whole sequences; what is made here joins it.
        notes: what each file says of the model, key to JSON.
    """
    plan, made = source.stream, set(whole)
    exact = {target.name: cache(partial(target.convert, source)) for target, _ in options.wanted}
    told: set[LoweredLayer] = set()
    for target, precision in options.wanted:
        path = artifact_path(target, precision, stream=plan is not None and not target.runtime.streams_itself)
        make = partial(
            _make,
            source,
            options,
            target,
            precision,
            path,
            exact[target.name],
            whole[path] if path in made else None,
            whole,
            told,
            notes,
        )
        yield PlannedFile(path, target, precision, "sequence" if plan is None else "stream", make)


def _make(
    source: ConversionInput,
    options: ExportOptions,
    target: Target,
    precision: str,
    path: str,
    exact: Callable[[], Conversion],
    before: Conversion | None,
    whole: dict[str, Conversion],
    told: set[LoweredLayer],
    notes: Mapping[str, str],
) -> File:
    """Convert a file; before: the file itself, where it is the one for whole sequences once more."""
    options.progress(f"converting to {path}")
    share, tolerance = target.precisions[precision].share, source.tolerance
    if share is not None:
        tolerance = reduced_tolerance(precision, share, source.answers(), source.max_difference)
    if before is not None:
        converted = before
    elif share is None:
        converted = exact()
    else:
        converted = target.store(source, precision, exact, tolerance.atol, options.progress)
    for layer in converted.recurrences:
        if layer.reason is not None and layer not in told:
            told.add(layer)
            options.progress(f"layer {layer.layer!r} keeps Keras's loop, slow but exact: {layer.reason}")
    if not converted.delegates:
        options.progress(f"{path} runs without the delegates of {target.runtime.library}, which refuse it")
    if before is None and target.annotate is not None:
        converted = replace(converted, content=target.annotate(converted.content, notes))
    whole[path] = converted
    operators = dict(target.runtime.inspect(converted.content, path).operators)
    check_forms(target, path, converted.recurrences, operators)
    chunk = source.stream.chunk_of(source.shapes) if source.stream is not None and target.fixed_shapes else None
    return File(source, target, precision, path, converted, operators, tolerance, chunk, is_twin=before is not None)
