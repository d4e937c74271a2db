"""Hold what a bundle's manifest says in frozen types, and decode it strictly."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

from deeprnn_edge.bundle.answer import Answer, refuse_unknown_kind
from deeprnn_edge.bundle.artifact import Artifact, MissingArtifact
from deeprnn_edge.bundle.feature_steps import RawInput, refuse_unknown_features
from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.bundle.text_steps import IMDB_STEPS, TextStep, encode_step, refuse_unknown_steps
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.strict_json import decode, parse, show

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Layer:
    """Describe one layer of the network.

    Attributes:
        name: its own, as in the model.
        kind: its class.
        parameters: how many it has.
        cell: of a recurrent layer, such as ``lstm``; None of another.
        units: of a recurrent layer.
        direction: of a recurrent layer.
    """

    name: str
    kind: str
    parameters: int
    cell: str | None = None
    units: int | None = None
    direction: Literal["forward", "backward", "bidirectional"] | None = None


@dataclass(frozen=True)
class Architecture:
    """Hold the network's layers in order, and its parameters in all."""

    layers: tuple[Layer, ...]
    parameters: int


@dataclass(frozen=True)
class Preprocessing:
    """Say how raw input becomes the model's input.

    Attributes:
        kind: ``text`` (words to ids), ``tokens`` (ids) or ``sequence`` (feature vectors).
        vocabulary: the file of words by rank, for ``text``: one a line, or in ``.json`` a list.
        start_id: what every text begins with; None for nothing.
        oov_id: of an unknown word; None leaves such words out.
        pad_id: what fills the missing steps, of ids.
        pad_value: what fills the missing steps, of feature vectors.
        index_offset: what a word's rank, from 1, is added to for its id.
        max_length: time steps that shorter input is padded to and longer input cut to; None leaves it as it is.
        padding: the side, as in Keras's ``pad_sequences``.
        truncating: the side, as in Keras's ``pad_sequences``.
        steps: from a text to its words; None for those of ``keras.datasets.imdb``.
        end_id: what every text ends with; None for nothing.
        min_length: where no length is stated, time steps that shorter input is padded to; None leaves it as it is.
        raw: for each input that is made of raw values, how.
    """

    kind: Literal["text", "tokens", "sequence"]
    vocabulary: str | None = None
    start_id: int | None = 1
    oov_id: int | None = 2
    pad_id: int = 0
    pad_value: float = 0.0
    index_offset: int = 3
    max_length: int | None = None
    padding: Literal["pre", "post", "refuse"] = "pre"
    truncating: Literal["pre", "post", "refuse"] = "pre"
    steps: tuple[TextStep, ...] | None = None
    end_id: int | None = None
    min_length: int | None = None
    raw: tuple[RawInput, ...] = ()

    @property
    def text_steps(self) -> tuple[TextStep, ...]:
        """Return the steps from a text to its words, those that a manifest leaves out too."""
        return IMDB_STEPS if self.steps is None else self.steps


@dataclass(frozen=True)
class Companion:
    """Hold what is known of a file beside the artifacts: golden vectors, vocabulary, card.

    Attributes:
        path: its name in the bundle.
        size_bytes: as it was written.
        sha256: as it was written.
    """

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Hold what a bundle is.

    Attributes:
        format_version: of the manifest itself.
        name: of the model.
        created_with: package to version.
        inputs: of the model, for whole sequences.
        outputs: of the model, for whole sequences.
        architecture: the network's layers.
        preprocessing: how raw input becomes the model's input.
        labels: by index; none of a model that decides nothing.
        artifacts: the files that run.
        kept_words: how many of the most frequent words were kept, where the vocabulary was cut.
        stream: where there are stream artifacts.
        companions: the files beside the artifacts; none in a bundle of a release that did not hash them.
        answer: what the numbers of the one output stand for; None for a class where there are labels.
        missing: files that were asked for and could not be made, where the others were kept.
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
    stream: StreamSpec | None = None
    companions: tuple[Companion, ...] = ()
    answer: Answer | None = None
    missing: tuple[MissingArtifact, ...] = ()


def encode_manifest(manifest: Manifest) -> str:
    """Return the manifest as JSON text.

    Raises:
        InputError: where a number of it is none, as of a model that answers with NaN.
    """
    try:
        return json.dumps(manifest_fields(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        said = "the manifest would hold a NaN or infinity: the model's answers or states are not finite"
        raise InputError(said) from error


def manifest_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as JSON has it."""
    fields = dataclasses.asdict(manifest) | {"preprocessing": preprocessing_fields(manifest.preprocessing)}
    # What says nothing new is left out: releases that do not know these fields read the rest.
    for name in ("answer", "missing"):
        if not fields[name]:
            del fields[name]
    for artifact in fields["artifacts"]:
        if artifact["delegates"]:
            del artifact["delegates"]
        for name in ("keras_error", "own_error"):
            if artifact["parity"][name] is None:
                del artifact["parity"][name]
    return fields


def preprocessing_fields(rules: Preprocessing) -> dict[str, Any]:
    """Return the preprocessing as JSON has it."""
    fields = dataclasses.asdict(rules)
    if fields["steps"] is not None:
        fields["steps"] = list(map(encode_step, fields["steps"]))
    if not fields["raw"]:
        del fields["raw"]
    for one in fields.get("raw", ()):
        one["steps"] = list(map(encode_step, one["steps"]))
    return fields


def decode_manifest(text: str) -> Manifest:
    """Read a manifest's form; what it may say, ``check_manifest`` tells.

    Raises:
        BundleError: that names the field.
    """
    try:
        raw = parse(text)
    except ValueError as error:
        raise BundleError(f"manifest.json is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise BundleError(f"manifest.json holds a {type(raw).__name__}, expected an object")
    version = raw.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise BundleError(
            f"manifest.json has format_version {show(version)}; this release reads {FORMAT_VERSION}. "
            "Export the model again with this release, or install the one that made the bundle."
        )
    if isinstance(rules := raw.get("preprocessing"), dict):
        refuse_unknown_steps(rules.get("steps"))
        refuse_unknown_features(rules.get("raw"))
    refuse_unknown_kind(raw.get("answer"))
    manifest: Manifest = decode(Manifest, raw, "manifest.json")
    return manifest
