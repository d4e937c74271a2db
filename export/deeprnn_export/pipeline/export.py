"""Export a Keras model: it is loaded, lowered, converted, checked, and leaves as a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.bundle import CARD, GOLDEN, MANIFEST, companion
from deeprnn_edge.bundle.golden import Case, encode_golden
from deeprnn_edge.bundle.manifest import FORMAT_VERSION, Manifest, Preprocessing, encode_manifest
from deeprnn_edge.bundle.vocabulary import encode_vocabulary, vocabulary_name
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.limits import GOLDEN_UNPACKED_BYTES
from deeprnn_edge.inputs.time_axis import count_steps
from deeprnn_edge.inputs.value_files import read_items
from deeprnn_edge.parity.difference import disputed_labels
from deeprnn_export.datasets.catalogue import Dataset
from deeprnn_export.parity.evaluation import ask_keras, load_evaluation
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.parity.raw_texts import find_reference, make_raw_cases, make_raw_texts, read_raw_texts
from deeprnn_export.parity.raw_values import make_value_cases
from deeprnn_export.pipeline.artifact_writer import ArtifactWriter
from deeprnn_export.pipeline.bundle_writer import new_bundle
from deeprnn_export.pipeline.card import write_card
from deeprnn_export.pipeline.conversion_inputs import make_conversion_inputs
from deeprnn_export.pipeline.loaded_model import LoadedModel, read_model, with_fewer_words
from deeprnn_export.pipeline.options import ExportOptions
from deeprnn_export.reading.answer_rules import AnswerOptions, Decode
from deeprnn_export.reading.description import describe_architecture
from deeprnn_export.reading.feature_rules import FeatureOptions
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.text_rules import TextOptions
from deeprnn_export.streaming.plan import plan_stream
from deeprnn_export.targets import TARGETS
from deeprnn_export.targets.conversion_input import ConversionInput

_HEADERS_BYTES = 1 << 20  # of the arrays in an npz: 128 each, and their texts
GOLDEN_ROWS = 3  # larger batches only repeat what the golden vectors show, and they travel with the model
_UNCHANGED: Callable[[NDArray[Any]], NDArray[Any]] = lambda rows: rows  # noqa: E731 - of a function's own type


def export(
    model: keras.Model | str | Path,
    destination: str | Path,
    *,
    formats: Sequence[str] | None = None,
    precisions: Sequence[str] = ("fp32",),
    sample: Any = None,
    sample_only: bool = False,
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
    scaler: Any = None,
    columns: str | Sequence[str | int] | None = None,
    hop: int | None = None,
    rest: Literal["refuse", "pad", "cut"] | None = None,
    sample_raw: Any = (),
    labels: str | Path | Mapping[str, int] | Sequence[str] | None = None,
    decode: Decode | None = None,
    threshold: float | None = None,
    blank: int | None = None,
    target_scaler: Any = None,
    name: str | None = None,
    keep_words: int | None = None,
    tensors: Mapping[str, str] | None = None,
    calibration: Any = None,
    evaluate: Dataset | str | Path | None = None,
    max_accuracy_drop: float | None = None,
    max_difference: float | None = None,
    atol: float | None = None,
    force: bool = False,
    keep_going: bool = False,
    allow_lambda: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    c_prefix: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Export a Keras model, or a saved one, as a bundle whose every artifact answers as Keras does.

    After an error nothing new is left at ``destination``, and what was there stays.

    Args:
        formats: ``onnx``, ``tflite``, ``c``; by default the first two, each that has the precision.
        precisions: ``fp32``, which is exact, and smaller ones that answer within a bound: ``fp16`` and ``int8`` of
            both formats, ``int4`` and ``int8-dynamic`` of ONNX, ``int8-full`` and ``int16x8`` of TFLite.
        sample: arrays in the order of the model's inputs, or a dict by name; added to the parity grid. Its
            shapes, with batch 1, are TFLite's fixed shapes where the model's own are symbolic.
        sample_only: compare on the sample in place of the grid, for a model that takes none but real rows: its first
            row, its first three, and all.
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
        scaler: of the features, which the device then takes raw: a file of JSON, ``.npz`` or ``.skops``, a mapping,
            or scikit-learn's object; never a pickle.
        columns: the model's features in its order, as names of a table's columns or as places in a raw row, from 0.
        hop, rest: cut recordings into windows of the model's length, from the start of one to that of the next; steps
            that fill none are refused, which is the default, padded or cut.
        sample_raw: texts, or raw rows, that have to become what Keras or the scaler makes of them, or a file of them;
            by default made from the words or the steps.
        labels: names of the classes in order, or a file of them; as many as the output decides between.
        decode: what the numbers stand for: ``class``, ``labels`` (each class above the threshold), ``steps`` (a class a
            step) or ``ctc`` (greedy, as ``keras.ops.ctc_decode``); by default a class, and of labels for an output of
            every step one a step.
        threshold: what a probability has to be above in place of 0.5, of one sigmoid or of ``decode="labels"``.
        blank: CTC's blank class; by default 0, as in Keras. -1 is the last.
        target_scaler: how the target of a regression was scaled, so that ``predict`` answers in its units: a dict or
            file of ``mean`` and ``scale`` or ``min`` and ``max``, or a fitted scaler.
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
        keep_going: keep the other files where one cannot be made or does not hold; ``missing`` of the manifest says
            which, and why.
        allow_lambda: load a file that carries Python code, from a maker you trust.
        custom_objects: classes and functions by name that a saved model refers to and Keras does not have.
        c_prefix: what every name in C source begins with; by default the model's name.
        progress: called with a line at each step.

    Raises:
        InputError: for options and files that cannot be used.
        UnsupportedModelError: for a model that cannot be exported so.
        ParityError: where an artifact answers otherwise than Keras by more than allowed.
        DeepRNNEdgeError: with ``keep_going``, what the first file failed with, where none is left.
    """
    options = ExportOptions(
        formats=formats,
        precisions=precisions,
        sample=sample,
        sample_only=sample_only,
        max_length=max_length,
        stream=stream,
        chunk=chunk,
        preprocessing=preprocessing,
        features=FeatureOptions(scaler, columns, hop, rest),
        text=TextOptions(vocabulary, tokenizer, rules, padding, truncating, start_id, oov_id, index_offset),
        sample_raw=sample_raw,
        labels=labels,
        answer=AnswerOptions(decode, threshold, blank, target_scaler),
        name=name,
        keep_words=keep_words,
        tensors=tensors,
        calibration=calibration,
        evaluate=evaluate,
        max_accuracy_drop=max_accuracy_drop,
        max_difference=max_difference,
        atol=atol,
        force=force,
        keep_going=keep_going,
        allow_lambda=allow_lambda,
        custom_objects=custom_objects,
        c_prefix=c_prefix,
        progress=progress,
    )
    with new_bundle(destination, force=force) as folder, ExitStack() as running:
        for target in {target.name: target for target, _ in options.wanted}.values():
            running.enter_context(target.running())
        return _fill(folder, model, options)


def _fill(folder: Path, model: keras.Model | str | Path, options: ExportOptions) -> Manifest:
    """Convert, check and evaluate every file, and write the bundle into an empty folder."""
    progress = options.progress
    given = read_model(model, options)
    dataset = None
    if options.evaluate is not None:
        dataset = load_evaluation(options.evaluate, given.signature, given.rules, chunk=options.chunk)
    loaded, cut, raw = given, _UNCHANGED, _raw_cases(given, options)
    if options.keep_words is not None:
        loaded, cut = with_fewer_words(given, options.keep_words)
        # The words that are cut are unknown here and known to Keras's layer: it was asked about all of them above.
        raw = make_raw_cases(loaded.rules, loaded.signature, [text for case in raw for text in case.texts], None)
    plan = None
    if options.stream:
        progress("looking for the states")
        plan = plan_stream(loaded.model, loaded.signature)
    sources = make_conversion_inputs(loaded, options, plan, dataset, raw)
    reference = None if dataset is None else ask_keras(given.model, given.signature, dataset, progress=progress)
    writer = ArtifactWriter(folder, loaded, options, reference, cut)
    writer.write(sources)
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=options.name or loaded.rules.name or given.model.name,
        created_with=_versions(),
        inputs=loaded.signature.inputs,
        outputs=loaded.signature.outputs,
        architecture=describe_architecture(loaded.model),
        preprocessing=loaded.rules.preprocessing,
        labels=loaded.rules.labels,
        answer=loaded.rules.answer,
        artifacts=tuple(writer.artifacts),
        kept_words=options.keep_words,
        stream=None if plan is None or not writer.streams else plan.spec,
        missing=tuple(writer.missing),
    )
    beside = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}  # what came with an artifact
    for artifact in manifest.artifacts:
        del beside[artifact.path]
    golden = [case for case in _golden(sources, options.chunk) if not _is_disputed(case, writer.decisions)]
    return _write_companions(folder, manifest, beside, golden, loaded.rules)


def _raw_cases(given: LoadedModel, options: ExportOptions) -> list[GridCase]:
    """Make cases of raw texts or values, the caller's or made ones, once they become what Keras makes of them."""
    rules, inputs, texts = given.rules, given.signature.inputs, options.sample_raw
    if rules.preprocessing.raw:
        if isinstance(texts, str | Path):
            texts = read_items(Path(texts), rules.preprocessing.raw[0])
        options.progress(f"raw values become {', '.join(one.input for one in rules.preprocessing.raw)}")
        return make_value_cases(rules, given.signature, texts, given.front)
    if rules.preprocessing.kind != "text" or len(inputs) != 1 or len(inputs[0].shape) != 2:
        if len(texts):
            raise InputError(
                "sample_raw= holds raw samples, and the bundle has no steps for any: give its words or its scaler, "
                "or arrays as sample="
            )
        return []
    if isinstance(texts, str | Path):
        texts = read_raw_texts(Path(texts))
    reference = find_reference(rules, given.front)
    if reference is not None:
        options.progress(f"raw texts have to become the ids of {reference.name}")
    made = list(texts) or make_raw_texts(rules.vocabulary, rules.preprocessing.max_length)
    return make_raw_cases(rules, given.signature, made, reference)


def _golden(sources: Sequence[ConversionInput], chunk: int) -> list[Case]:
    """Choose what travels with the model: the small cases whole, and one of each batch streamed."""
    golden: list[Case] = []
    for source in sources:
        small = [case for case in source.cases if _rows(case) <= GOLDEN_ROWS or case.texts or case.values] or list(
            source.cases
        )
        if source.stream is not None:
            fitting = [case for case in small if count_steps(source.stream.spec.inputs, case.inputs) % chunk == 0]
            by_batch = {_rows(case): replace(case, name=f"streamed, {case.name}") for case in reversed(fitting)}
            small = list(by_batch.values())
        golden += small
    return _fit(golden)


def _fit(cases: Sequence[Case]) -> list[Case]:
    """Leave out what is beyond the limit that the device reads golden vectors to, and say so where nothing is left."""
    kept: list[Case] = []
    left = GOLDEN_UNPACKED_BYTES - _HEADERS_BYTES
    for case in cases:
        size_bytes = sum(array.nbytes for array in (*case.inputs.values(), *case.outputs.values()))
        if size_bytes <= left:
            kept.append(case)
            left -= size_bytes
    if not kept:
        raise InputError(
            f"one case of this model's golden vectors takes more than {GOLDEN_UNPACKED_BYTES:,} bytes, the most that a "
            "device reads; give a shorter sample= or max_length="
        )
    return kept


def _is_disputed(case: Case, decisions: Mapping[str, Answer | None]) -> bool:
    """Return whether Keras decides a row by its rounding: a device may decide it otherwise."""
    known = [name for name in decisions if name in case.truth]
    return any(disputed_labels(case.outputs[name], case.truth[name], decisions[name]).any() for name in known)


def _rows(case: Case) -> int:
    return len(next(iter(case.inputs.values())))


def _write_companions(
    folder: Path, manifest: Manifest, beside: Mapping[str, bytes], cases: Sequence[Case], rules: InputRules
) -> Manifest:
    """Write what stands beside the artifacts, and last the manifest, which has the hashes of all."""
    files = {GOLDEN: encode_golden(cases), CARD: write_card(manifest).encode("utf-8"), **beside}
    if rules.vocabulary:
        name = vocabulary_name(rules.vocabulary)
        files[name] = encode_vocabulary(name, rules.vocabulary).encode("utf-8")
    manifest = replace(manifest, companions=tuple(companion(*file) for file in files.items()))
    for name, content in {**files, MANIFEST: encode_manifest(manifest).encode("utf-8")}.items():
        (folder / name).write_bytes(content)
    return manifest


def _versions() -> dict[str, str]:
    tools = chain.from_iterable(target.packages for target in TARGETS.values())
    return {name: version(name) for name in ("deeprnn-edge", "keras", "tensorflow", *tools)}
