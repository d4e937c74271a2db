"""The bundle's manifest: what it holds, decoded strictly into frozen types.

A field that is missing, unknown or of another type is an error that names it, so that a bundle of
another version is never half understood.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

from deeprnn_edge.errors import BundleError

FORMAT_VERSION = 1


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of the model.

    shape: a symbolic axis is its name, ``batch`` or ``time``.
    id_count: for an input of ids, how many there are: ids lie in ``[0, id_count)``; else None.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    id_count: int | None = None


@dataclass(frozen=True)
class Layer:
    """One layer of the network. Cell, units and direction are there for recurrent layers alone."""

    name: str
    kind: str
    parameters: int
    cell: Literal["rnn", "lstm", "gru"] | None = None
    units: int | None = None
    direction: Literal["forward", "backward", "bidirectional"] | None = None


@dataclass(frozen=True)
class Architecture:
    """The network's layers in order, and its parameters in all."""

    layers: tuple[Layer, ...]
    parameters: int


@dataclass(frozen=True)
class Preprocessing:
    """How raw input becomes the model's input.

    kind: ``text`` (words to ids), ``tokens`` (ids) or ``sequence`` (feature vectors).
    vocabulary: the file of words by rank, for ``text``.
    pad_id, pad_value: what fills the missing steps, of ids and of feature vectors.
    max_length: time steps that shorter input is padded to and longer input cut to; None leaves it as it is.
    padding, truncating: the side, as in Keras's ``pad_sequences``.
    """

    kind: Literal["text", "tokens", "sequence"]
    vocabulary: str | None = None
    start_id: int | None = 1
    oov_id: int = 2
    pad_id: int = 0
    pad_value: float = 0.0
    index_offset: int = 3
    max_length: int | None = None
    padding: Literal["pre", "post"] = "pre"
    truncating: Literal["pre", "post"] = "pre"


@dataclass(frozen=True)
class Parity:
    """How an artifact answered beside Keras when it was made: absolute differences, relative tolerance 0.

    reason: why ``atol`` is not the usual one.
    """

    max_abs_diff: float
    atol: float
    label_flips: int
    cases: int
    reason: str | None = None


Form = Literal["native", "bidirectional", "fused", "loop", "keras loop"]


@dataclass(frozen=True)
class LoweredLayer:
    """What became of one recurrent layer in a file.

    layer: its path in the model.
    form: ``native`` (a node of its own a direction and cell), ``bidirectional`` (one node for both directions),
        ``fused`` (TFLite's LSTM kernel), ``loop`` (TFLite, some steps a turn), ``keras loop`` (as Keras
        itself steps, in ONNX a Loop).
    reason: why it kept Keras's loop.
    """

    layer: str
    form: Form
    reason: str | None = None


@dataclass(frozen=True)
class StoredTensor:
    """How one weight is stored in a file.

    precision: ``fp32``, ``fp16``, ``int8`` or ``int4``.
    size_bytes: of its numbers, with their scales.
    effect: the largest difference that storing this weight alone so made to an output; None where unmeasured.
    reason: why it is stored so.
    """

    name: str
    precision: str
    size_bytes: int
    effect: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """How an artifact did on the test rows of a data set, beside the Keras model that was given.

    accuracy, keras_accuracy: from 0 to 1.
    accuracy_change_points: of the artifact against Keras, in percentage points; negative where it is worse.
    label_flips: rows whose label is not Keras's.
    mean_abs_diff, max_abs_diff: of the outputs.
    """

    dataset: str
    rows: int
    accuracy: float
    keras_accuracy: float
    accuracy_change_points: float
    label_flips: int
    mean_abs_diff: float
    max_abs_diff: float


@dataclass(frozen=True)
class Artifact:
    """One file that runs: the same network in one format and precision.

    accuracy: from 0 to 1, on the data that ``evaluation`` tells more of.
    tensors: the weights of an ONNX file that is not all float32; what TFLite's converter stores, ``inspect`` reads.
    """

    path: str
    format: Literal["onnx", "tflite"]
    precision: str
    kind: Literal["sequence", "stream"]
    size_bytes: int
    sha256: str
    parity: Parity
    accuracy: float | None = None
    operators: dict[str, int] | None = None
    recurrences: tuple[LoweredLayer, ...] = ()
    evaluation: Evaluation | None = None
    tensors: tuple[StoredTensor, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether it has to decide every case as Keras does: what has fewer bits may differ near a tie."""
        return self.precision == "fp32"


@dataclass(frozen=True)
class Manifest:
    """What a bundle is.

    created_with: package to version.
    kept_words: how many of the most frequent words were kept, where the vocabulary was cut.
    """

    format_version: int
    name: str
    created_with: dict[str, str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    architecture: Architecture
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    artifacts: tuple[Artifact, ...]
    kept_words: int | None = None


def encode_manifest(manifest: Manifest) -> str:
    """The manifest as JSON text."""
    return json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False) + "\n"


def decode_manifest(text: str) -> Manifest:
    """Read a manifest. Raises BundleError that names the field which is wrong."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BundleError(f"manifest.json is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise BundleError(f"manifest.json holds a {type(raw).__name__}, expected an object")
    version = raw.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"manifest.json has format_version {version!r}; this release reads {FORMAT_VERSION}. "
            "Export the model again with this release, or install the one that made the bundle."
        )
    manifest: Manifest = decode(Manifest, raw, "manifest.json")
    return manifest


def decode(kind: Any, raw: Any, where: str) -> Any:
    """A JSON value as ``kind``: a dataclass of this module, or a type that its fields use."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _decode_object(kind, raw, where)
    if origin is tuple:
        if isinstance(raw, list):
            return tuple(decode(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(raw))
    elif origin is dict:
        if isinstance(raw, dict):
            return {key: decode(arguments[1], item, f"{where}.{key}") for key, item in raw.items()}
    elif origin is Literal:
        if raw in arguments:
            return raw
    elif origin in (types.UnionType, typing.Union):  # `Literal[...] | None` is the older of the two
        if raw is None and type(None) in arguments:
            return None
        options = [option for option in arguments if option is not type(None)]
        fitting = options if len(options) == 1 else [option for option in options if isinstance(raw, option)]
        if fitting:
            return decode(fitting[0], raw, where)
    elif kind is float:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return float(raw)
    elif isinstance(raw, kind) and not isinstance(raw, bool):
        return raw
    expected = " or ".join(map(repr, arguments)) if origin is Literal else getattr(kind, "__name__", str(kind))
    raise BundleError(f"{where} is {raw!r}, expected {expected}")


def _decode_object(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise BundleError(f"{where} is {raw!r}, expected an object")
    fields = dataclasses.fields(kind)
    missing = [field.name for field in fields if field.name not in raw and field.default is dataclasses.MISSING]
    unknown = sorted(raw.keys() - {field.name for field in fields})
    if missing or unknown:
        raise BundleError(
            f"{where} " + (f"lacks the field {missing[0]!r}" if missing else f"has the unknown field {unknown[0]!r}")
        )
    hints = typing.get_type_hints(kind)
    return kind(**{name: decode(hints[name], value, f"{where}.{name}") for name, value in raw.items()})
