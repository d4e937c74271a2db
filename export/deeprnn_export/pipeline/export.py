"""The way through: a Keras model enters, is lowered, converted, checked, and leaves as a bundle."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import CARD, GOLDEN, MANIFEST
from deeprnn_edge.bundle.golden import Case, encode_golden
from deeprnn_edge.bundle.manifest import (
    FORMAT_VERSION,
    Artifact,
    Evaluation,
    Manifest,
    Preprocessing,
    encode_manifest,
)
from deeprnn_edge.bundle.vocabulary import encode_vocabulary, vocabulary_name
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.parity.verify import decision_outputs
from deeprnn_edge.runtimes import runtime_of
from deeprnn_export.datasets.catalogue import Dataset
from deeprnn_export.parity.evaluation import ask_keras, evaluate_file, load_evaluation
from deeprnn_export.parity.gate import ParityReport, check_parity, require_accuracy, require_parity
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.parity.precisions import choose
from deeprnn_export.parity.raw_texts import find_reference, make_raw_cases, make_raw_texts
from deeprnn_export.pipeline.artifacts import File, convert_all
from deeprnn_export.pipeline.bundle_writer import new_bundle
from deeprnn_export.pipeline.card import write_card
from deeprnn_export.pipeline.source import Source, make_sources
from deeprnn_export.pipeline.subject import Subject, read_subject, with_fewer_words
from deeprnn_export.reading.description import describe_architecture
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.text_rules import TextOptions
from deeprnn_export.streaming.plan import plan_stream

GOLDEN_ROWS = 3  # larger batches only repeat what the golden vectors show, and they travel with the model


def export(
    model: keras.Model | str | Path,
    destination: str | Path,
    *,
    formats: Sequence[str] | None = None,
    precisions: Sequence[str] = ("fp32",),
    sample: Any = None,
    max_length: int | None = None,
    stream: bool = False,
    chunk: int = 1,
    preprocessing: Preprocessing | None = None,
    vocabulary: Any = (),
    tokenizer: Any = None,
    rules: str | Path | None = None,
    padding: Literal["pre", "post", "none"] | None = None,
    truncating: Literal["pre", "post"] | None = None,
    start_id: int | Literal["none"] | None = None,
    oov_id: int | Literal["none"] | None = None,
    index_offset: int | None = None,
    sample_raw: Sequence[str] = (),
    labels: str | Path | Mapping[str, int] | Sequence[str] | None = None,
    name: str | None = None,
    keep_words: int | None = None,
    tensors: Mapping[str, str] | None = None,
    calibration: Any = None,
    evaluate: Dataset | str | Path | None = None,
    max_accuracy_drop: float | None = None,
    max_difference: float | None = None,
    atol: float | None = None,
    force: bool = False,
    allow_lambda: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Export a Keras model, or a saved one, as a bundle whose every artifact answers as Keras does.

    formats: ``onnx``, ``tflite``; by default each that has the precision.
    precisions: ``fp32``, which is exact, and smaller ones that answer within a bound: ``fp16`` and ``int8`` of
        both formats, ``int4`` and ``int8-dynamic`` of ONNX, ``int8-full`` and ``int16x8`` of TFLite.
    sample: arrays in the order of the model's inputs, or a dict by name; added to the parity grid. Its
        shapes, with batch 1, are TFLite's fixed shapes where the model's own are symbolic.
    max_length: the same for one time axis; and what the device pads to where the model masks padding.
    stream: add to each file a twin that answers chunk by chunk, with its states as inputs and outputs.
    chunk: time steps of one call of the twin in TFLite; in ONNX they are free.
    preprocessing: the rules of raw input as a whole; by default what ``deeprnn-edge train`` left beside the model.
    vocabulary, tokenizer: the words, one of the two: a Keras ``Tokenizer`` or its JSON's path, a ``word_index``,
        what ``get_vocabulary()`` gives, or words by rank. Only the first tells its rules. A model that takes
        strings through a TextVectorization needs neither.
    rules: ``imdb``, ``textvectorization``, ``tokenizer``, or a JSON file with fields of ``preprocessing``.
    padding, truncating: the side, as in ``pad_sequences``; ``none`` leaves texts their own length.
    start_id, oov_id, index_offset: in place of those of the rules; ``none`` for no such id.
    sample_raw: texts that have to become the ids that Keras makes of them; by default made from the words.
    labels: names of the classes in order, or a file of them; as many as the output decides between.
    keep_words: cut the embedding and the vocabulary to the so many most frequent words.
    tensors: pattern of ONNX weights' names to ``fp32``, ``fp16``, ``int8`` or ``int4``, in place of the plan's
        own choice.
    calibration: real inputs for ``int8-full`` and ``int16x8``: a data set, its name or path, or arrays as in
        ``sample``; by default what the model was trained on, else the training part of ``evaluate``, else
        ``sample``.
    evaluate: a data set, its name or its path; what each artifact costs on its test part goes into the manifest.
    max_accuracy_drop: percentage points that an artifact of fewer bits or words may lose there against Keras.
    max_difference: how far the outputs of fewer bits may be from Keras's on the parity grid; by default a share
        of the largest output, 0.5 % for ``fp16`` to 15 % for ``int4``.
    atol: the same for ``fp32``, for a network of large outputs; by default 1e-5, or 1e-4 for a deep or long
        one. The manifest states it.
    force: replace a bundle that is there.
    allow_lambda: load a file that carries Python code, from a maker you trust.
    custom_objects: classes and functions by name that a saved model refers to and Keras does not have.
    progress: called with a line at each step.

    Raises InputError for options and files that cannot be used, UnsupportedModelError for a model that
    cannot be exported so, ParityError where an artifact answers otherwise than Keras by more than allowed.
    Nothing new is left at ``destination`` then, and what was there stays.
    """
    wanted = choose(formats, precisions)
    _check_options(max_length, chunk, stream, atol, max_difference, max_accuracy_drop, evaluate)
    with new_bundle(destination, force=force) as folder:
        given = read_subject(
            model,
            max_length=max_length,
            preprocessing=preprocessing,
            text=TextOptions(vocabulary, tokenizer, rules, padding, truncating, start_id, oov_id, index_offset),
            labels=labels,
            allow_lambda=allow_lambda,
            custom_objects=custom_objects,
            progress=progress,
        )
        dataset = None if evaluate is None else load_evaluation(evaluate, given.signature, given.rules, chunk=chunk)
        raw = _raw_cases(given, sample_raw, progress)
        subject, cut = (given, _unchanged) if keep_words is None else with_fewer_words(given, keep_words)
        if keep_words is not None:  # unknown are words that Keras's own layer knows: held against it above
            subject = replace(subject, front=None)
            raw = make_raw_cases(subject.rules, subject.signature, [t for case in raw for t in case.texts], None)
        plan = None
        if stream:
            progress("looking for the states")
            plan = plan_stream(subject.model, subject.signature)
        sources = make_sources(
            subject,
            wanted,
            plan=plan,
            chunk=chunk,
            sample=sample,
            max_length=max_length,
            calibration=calibration,
            dataset=dataset,
            atol=atol,
            max_difference=max_difference,
            overrides=tensors or {},
            raw=raw,
            progress=progress,
        )
        reference = None if dataset is None else ask_keras(given.model, given.signature, dataset, progress=progress)
        decisions = decision_outputs(subject.signature.outputs, subject.rules.labels)
        reports, artifacts = [], []
        for file in chain.from_iterable(convert_all(source, wanted, progress) for source in sources):
            progress(f"checking {file.path} against Keras")
            replay = file.replay()
            report = check_parity(
                replay,
                file.path,
                file.source.cases,
                file.source.outputs,
                tolerance=file.tolerance,
                decisions=decisions,
            )
            (folder / file.path).write_bytes(file.content)
            evaluation = None
            if reference is not None and report.passed:
                progress(f"evaluating {file.path} on {reference.dataset.name}")
                evaluation = evaluate_file(replay, reference, subject.signature, prepare=cut)
            reports.append(report)
            artifacts.append(_artifact(file, report, evaluation))
        require_parity(reports)
        require_accuracy(artifacts, max_accuracy_drop)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            name=name or subject.rules.name or given.model.name,
            created_with=_versions(),
            inputs=subject.signature.inputs,
            outputs=subject.signature.outputs,
            architecture=describe_architecture(subject.model),
            preprocessing=subject.rules.preprocessing,
            labels=subject.rules.labels,
            artifacts=tuple(artifacts),
            kept_words=keep_words,
            stream=None if plan is None else plan.spec,
        )
        _write_companions(folder, manifest, _golden(sources, chunk), subject.rules)
    return manifest


def _artifact(file: File, report: ParityReport, evaluation: Evaluation | None) -> Artifact:
    return Artifact(
        path=file.path,
        format=file.kind,
        precision=file.precision,
        kind="sequence" if file.source.stream is None else "stream",
        size_bytes=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        parity=report.summary(),
        accuracy=evaluation.accuracy if evaluation else None,
        operators=dict(runtime_of(file.kind).inspect(file.content, file.path).operators),
        recurrences=file.recurrences,
        evaluation=evaluation,
        tensors=file.tensors,
        chunk=file.chunk,
    )


def _raw_cases(given: Subject, texts: Sequence[str], progress: Callable[[str], None]) -> list[GridCase]:
    """The raw texts, the caller's or made ones, whose ids are Keras's."""
    rules, inputs = given.rules, given.signature.inputs
    if rules.preprocessing.kind != "text" or len(inputs) != 1 or len(inputs[0].shape) != 2:
        if texts:
            raise InputError(
                "--sample-raw holds texts, and the model takes none: give its words, or arrays as a sample"
            )
        return []
    reference = find_reference(rules, given.front)
    if reference is not None:
        progress(f"raw texts have to become the ids of {reference.name}")
    made = texts or make_raw_texts(rules.vocabulary, rules.preprocessing.max_length)
    return make_raw_cases(rules, given.signature, made, reference)


def _unchanged(rows: NDArray[Any]) -> NDArray[Any]:
    return rows


def _golden(sources: Sequence[Source], chunk: int) -> list[Case]:
    """What travels with the model: the small cases whole, and one of each batch streamed."""
    golden: list[Case] = []
    for source in sources:
        small = [case for case in source.cases if _rows(case) <= GOLDEN_ROWS or case.texts] or list(source.cases)
        if source.stream is not None:
            fitting = [case for case in small if count_steps(source.stream.spec.inputs, case.inputs) % chunk == 0]
            by_batch = {_rows(case): replace(case, name=f"streamed, {case.name}") for case in reversed(fitting)}
            small = list(by_batch.values())
        golden += small
    return golden


def _rows(case: Case) -> int:
    return len(next(iter(case.inputs.values())))


def _write_companions(folder: Path, manifest: Manifest, cases: Sequence[Case], rules: InputRules) -> None:
    (folder / GOLDEN).write_bytes(encode_golden(cases))
    if rules.vocabulary:
        name = vocabulary_name(rules.vocabulary)
        (folder / name).write_text(encode_vocabulary(name, rules.vocabulary), encoding="utf-8")
    (folder / CARD).write_text(write_card(manifest), encoding="utf-8")
    (folder / MANIFEST).write_text(encode_manifest(manifest), encoding="utf-8")


def _check_options(
    max_length: int | None,
    chunk: int,
    stream: bool,
    atol: float | None,
    max_difference: float | None,
    max_accuracy_drop: float | None,
    evaluate: Any,
) -> None:
    if max_length is not None and max_length < 1:
        raise InputError(f"--max-length {max_length}: a sequence has at least 1 step")
    if chunk < 1:
        raise InputError(f"--chunk {chunk}: a chunk has at least 1 step")
    if chunk != 1 and not stream:
        raise InputError(f"--chunk {chunk} is for streams: give --stream as well")
    for option, value in (("--atol", atol), ("--max-difference", max_difference)):
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"{option} {value}: expected a difference above 0, such as 1e-3")
    if max_accuracy_drop is not None and not 0 <= max_accuracy_drop <= 100:
        raise InputError(f"--max-accuracy-drop {max_accuracy_drop}: expected percentage points, such as 0.5")
    if max_accuracy_drop is not None and evaluate is None:
        raise InputError("--max-accuracy-drop needs labelled data to measure it on: give --evaluate, such as reviews")


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("deeprnn-edge", "keras", "tensorflow", "tf2onnx", "onnx")}
