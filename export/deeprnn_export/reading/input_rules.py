"""Decide what the device has to know about raw input: once, from what training left or the user says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.vocabulary import vocabulary_name
from deeprnn_edge.errors import InputError
from deeprnn_export.reading.signature import Signature
from deeprnn_export.reading.training_record import read_record


@dataclass(frozen=True)
class InputRules:
    """Hold preprocessing, the words by rank, the labels, and the model's name where training gave one."""

    preprocessing: Preprocessing
    vocabulary: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    name: str | None = None


def read_input_rules(
    signature: Signature,
    *,
    saved_at: Path | None,
    max_length: int | None,
    preprocessing: Preprocessing | None,
    vocabulary: Sequence[str],
    labels: Sequence[str],
    default_labels: Sequence[str],
) -> InputRules:
    """Take what the caller says, else what training left beside the model, else what model and signature show."""
    record = None if saved_at is None else read_record(saved_at)
    base = preprocessing or (record.preprocessing if record else _from_signature(signature))
    words = tuple(vocabulary) or (record.words if record else ())
    if words and base.kind == "tokens":
        base = dataclasses.replace(base, kind="text")
    known = _known_words(words, base, signature)
    return InputRules(
        preprocessing=dataclasses.replace(
            base,
            vocabulary=vocabulary_name(known) if base.kind == "text" else None,
            max_length=_max_length(signature, base, max_length),
        ),
        vocabulary=known,
        labels=tuple(labels) or (record.labels if record else ()) or tuple(default_labels),
        name=record.name if record else None,
    )


def _from_signature(signature: Signature) -> Preprocessing:
    first = signature.inputs[0]
    if first.dtype.startswith("int"):
        return Preprocessing("tokens")
    return Preprocessing("sequence", pad_value=signature.mask_values.get(first.name, 0.0))


def _max_length(signature: Signature, rules: Preprocessing, asked: int | None) -> int | None:
    """Return the length to pad to: the model's own if it is fixed; else one where padding is masked or trained on."""
    shape = signature.inputs[0].shape
    fixed = shape[1] if len(shape) > 1 and isinstance(shape[1], int) else None
    if fixed is not None:
        if asked not in (None, fixed):
            raise InputError(f"max_length={asked}, but the model was built for {fixed} steps; leave the option out")
        return fixed
    if rules.max_length is not None or signature.inputs[0].name in signature.mask_values:
        return asked or rules.max_length
    return None  # unmasked and of any length: padding would change the answer


def _known_words(words: tuple[str, ...], rules: Preprocessing, signature: Signature) -> tuple[str, ...]:
    """Keep the words that have a row in the table, or refuse text without words."""
    if rules.kind != "text":
        return ()
    if not words:
        raise InputError("a text model needs its vocabulary: give the words by rank, the most frequent first")
    if any(not word or word.split() != [word] for word in words):
        bad = next(word for word in words if not word or word.split() != [word])
        raise InputError(f"the vocabulary has the word {bad!r}; words are not empty and hold no white space")
    count = signature.inputs[0].id_count
    return words if count is None else words[: max(0, count - rules.index_offset - 1)]
