"""Check what a manifest may say beyond its form: numbers that can be, names that stay inside of the bundle.

The runtime takes shapes, dtypes and lengths from it and makes arrays of them, so they are checked where they come in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from deeprnn_edge.bundle.answer_checks import check_answer
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.content import check_name
from deeprnn_edge.bundle.feature_steps import RawInput, shape_of_result
from deeprnn_edge.bundle.manifest import Companion, Manifest, Preprocessing
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec, TensorSpec, is_time
from deeprnn_edge.bundle.text_steps import check_steps
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import limits
from deeprnn_edge.files.strict_json import show

# What Keras and the runtimes have for inputs, outputs and states.
_DTYPES = frozenset(
    {"bool", "float16", "float32", "float64"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
_INT32 = range(-(1 << 31), 1 << 31)  # ids are int32
_OFFSETS = range(_INT32.start, _INT32.stop - limits.VOCABULARY_WORDS)  # every word has an id then
_COUNTS = range(1 << 53)  # what JSON's readers in other languages still hold exactly
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_manifest(manifest: Manifest) -> None:
    """Check all that a manifest says.

    Raises:
        BundleError: that names the field which cannot be.
    """
    _check_artifacts(manifest.artifacts)
    _check_companions(manifest.companions)
    for missing in manifest.missing:
        check_name(missing.path)
    _check_preprocessing(manifest.preprocessing)
    _check_number("kept_words", manifest.kept_words, _COUNTS)
    _check_number("architecture.parameters", manifest.architecture.parameters, _COUNTS)
    for index, layer in enumerate(manifest.architecture.layers):
        _check_number(f"architecture.layers[{index}].parameters", layer.parameters, _COUNTS)
        _check_number(f"architecture.layers[{index}].units", layer.units, _COUNTS)
    _check_tensors("inputs", manifest.inputs)
    _check_tensors("outputs", manifest.outputs)
    if manifest.answer is not None:
        check_answer(manifest.answer, manifest.labels, manifest.outputs)
    _check_rows(manifest.inputs, manifest.preprocessing.max_length)
    check_raw(manifest.preprocessing.raw, manifest.inputs)
    if manifest.stream is not None:
        _check_stream(manifest.stream)


def _check_artifacts(artifacts: Sequence[Artifact]) -> None:
    if not artifacts:
        raise BundleError("manifest.json lists no artifact; export the model again")
    _check_distinct("artifacts", (artifact.path for artifact in artifacts))
    for index, artifact in enumerate(artifacts):
        where = f"artifacts[{index}]"
        check_name(artifact.path)
        _check_number(f"{where}.size_bytes", artifact.size_bytes, range(1, limits.ARTIFACT_BYTES + 1))
        _check_number(f"{where}.chunk", artifact.chunk, range(1, limits.TIME_STEPS + 1))
        _check_hash(f"{where}.sha256", artifact.sha256)
        _check_measures(where, artifact)


def _check_measures(where: str, artifact: Artifact) -> None:
    """Check what others compare and draw: differences, shares and counts."""
    parity, evaluation = artifact.parity, artifact.evaluation
    counts = {"parity.label_flips": parity.label_flips, "parity.cases": parity.cases}
    differences = {"parity.atol": parity.atol, "parity.max_abs_diff": parity.max_abs_diff}
    shares = {"accuracy": artifact.accuracy}
    if evaluation is not None:
        counts |= {"evaluation.rows": evaluation.rows, "evaluation.label_flips": evaluation.label_flips}
        differences |= {
            "evaluation.mean_abs_diff": evaluation.mean_abs_diff,
            "evaluation.max_abs_diff": evaluation.max_abs_diff,
        }
        shares |= {"evaluation.accuracy": evaluation.accuracy, "evaluation.keras_accuracy": evaluation.keras_accuracy}
        if not -100 <= evaluation.accuracy_change_points <= 100:
            name = f"{where}.evaluation.accuracy_change_points"
            raise _wrong(name, evaluation.accuracy_change_points, "-100 to 100")
    for index, tensor in enumerate(artifact.tensors):
        counts[f"tensors[{index}].size_bytes"] = tensor.size_bytes
    for operator, count in (artifact.operators or {}).items():
        if count not in _COUNTS:
            raise _wrong(f"{where}.operators.{show(operator)}", count, f"0 to {_COUNTS.stop - 1}")
    for name, number in counts.items():
        _check_number(f"{where}.{name}", number, _COUNTS)
    for name, difference in differences.items():
        if not 0 <= difference < math.inf:
            raise _wrong(f"{where}.{name}", difference, "0 or more")
    for name, share in shares.items():
        if share is not None and not 0 <= share <= 1:
            raise _wrong(f"{where}.{name}", share, "0 to 1")


def _check_companions(companions: Sequence[Companion]) -> None:
    _check_distinct("companions", (companion.path for companion in companions))
    for index, companion in enumerate(companions):
        check_name(companion.path)
        _check_number(f"companions[{index}].size_bytes", companion.size_bytes, range(limits.GOLDEN_BYTES + 1))
        _check_hash(f"companions[{index}].sha256", companion.sha256)


def _check_hash(where: str, value: str) -> None:
    if not _SHA256.fullmatch(value):
        raise _wrong(where, value, "64 hexadecimal digits")


def _check_preprocessing(rules: Preprocessing) -> None:
    if rules.vocabulary is not None:
        check_name(rules.vocabulary)
    check_steps(rules.text_steps)
    _check_number("preprocessing.min_length", rules.min_length, range(1, limits.TIME_STEPS + 1))
    _check_number("preprocessing.max_length", rules.max_length, range(1, limits.TIME_STEPS + 1))
    for name in ("start_id", "end_id", "oov_id", "pad_id"):
        _check_number(f"preprocessing.{name}", getattr(rules, name), _INT32)
    _check_number("preprocessing.index_offset", rules.index_offset, _OFFSETS)


def _check_rows(inputs: Sequence[TensorSpec], max_length: int | None) -> None:
    """Check rows as they are padded: along a free time axis to the length that is stated."""
    for spec in inputs:
        sizes = [(max_length or 1) if is_time(size) else size for size in spec.shape]
        elements = math.prod(size for size in sizes if isinstance(size, int))
        if elements > limits.ROW_ELEMENTS:
            said = f"{limits.ROW_ELEMENTS:,} elements a row at most, and {spec.name[:80]!r} would have {elements:,}"
            raise _wrong("preprocessing.max_length", max_length, said)


def check_raw(raw: Sequence[RawInput], inputs: Sequence[TensorSpec]) -> None:
    """Check that the steps from raw values make what the inputs take.

    Raises:
        BundleError: that names the step or the shape which cannot be.
    """
    _check_distinct("preprocessing.raw", (one.input for one in raw))
    shapes = {spec.name: spec.shape[1:] for spec in inputs}
    for index, one in enumerate(raw):
        where = f"preprocessing.raw[{index}]"
        if one.input not in shapes:
            raise _wrong(f"{where}.input", one.input, f"one of {', '.join(shapes)}")
        made, taken = shape_of_result(one, f"manifest.json.{where}"), shapes[one.input]
        # An axis whose size one side leaves open may be of any; the values themselves are checked in each call.
        pairs = zip(made, taken, strict=False)
        if len(made) != len(taken) or any(a != b and isinstance(a, int) and isinstance(b, int) for a, b in pairs):
            raise _wrong(where, list(made), f"steps that make {list(taken)} for the input {one.input!r}")


def _check_stream(stream: StreamSpec) -> None:
    _check_tensors("stream.inputs", stream.inputs)
    _check_tensors("stream.outputs", stream.outputs)
    _check_tensors("stream.states", stream.states)
    _check_distinct("stream.states", (state.next_name for state in stream.states))
    if not any("time" in spec.shape for spec in stream.inputs):
        raise BundleError("manifest.json.stream.inputs has no axis 'time', along which a stream goes on")
    specs: tuple[TensorSpec | StateSpec, ...] = (*stream.inputs, *stream.outputs, *stream.states)
    for spec in specs:
        # A stream's arrays are made before the first step, so every axis but the batch and the time has a size.
        free = () if isinstance(spec, StateSpec) else ("time",)
        if any(isinstance(size, str) and size not in free for size in spec.shape[1:]):
            raise _wrong(f"stream: the shape of {show(spec.name)}", list(spec.shape), "a size for each axis")


def _check_tensors(where: str, specs: Sequence[TensorSpec | StateSpec]) -> None:
    if not specs:
        raise BundleError(f"manifest.json.{where} is empty; export the model again")
    _check_distinct(where, (spec.name for spec in specs))
    for index, spec in enumerate(specs):
        if spec.dtype not in _DTYPES:
            raise _wrong(f"{where}[{index}].dtype", spec.dtype, f"one of {', '.join(sorted(_DTYPES))}")
        sizes = [size for size in spec.shape if isinstance(size, int)]
        if not 1 <= len(spec.shape) <= limits.AXES or any(size < 1 for size in sizes):
            raise _wrong(f"{where}[{index}].shape", list(spec.shape), f"1 to {limits.AXES} axes of size 1 or more")
        if math.prod(sizes) > limits.ROW_ELEMENTS:
            said = f"{limits.ROW_ELEMENTS:,} elements a row at most"
            raise _wrong(f"{where}[{index}].shape", list(spec.shape), said)
        if isinstance(spec, TensorSpec):
            _check_number(f"{where}[{index}].id_count", spec.id_count, range(1, _INT32.stop + 1))


def _check_number(where: str, value: int | None, allowed: range) -> None:
    if value is not None and value not in allowed:
        raise _wrong(where, value, f"{allowed.start} to {allowed.stop - 1}")


def _check_distinct(where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BundleError(f"manifest.json.{where} has {show(name)} twice; export the model again")
        seen.add(name)


def _wrong(where: str, value: object, expected: str) -> BundleError:
    return BundleError(f"manifest.json.{where} is {show(value)}, expected {expected}; export the model again")
