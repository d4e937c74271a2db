"""Decide what the device has to know about raw input: from what training left, the caller says, or the model shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.manifest_checks import check_raw
from deeprnn_edge.bundle.vocabulary import vocabulary_name
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_export.datasets.tokenizer_files import WordSource
from deeprnn_export.reading.answer_rules import AnswerOptions, read_answer
from deeprnn_export.reading.feature_rules import FeatureOptions, FeatureRules, read_feature_rules
from deeprnn_export.reading.labels import read_labels
from deeprnn_export.reading.signature import Signature
from deeprnn_export.reading.text_rules import TextOptions, TextRules, read_text_rules
from deeprnn_export.reading.training_record import read_record


@dataclass(frozen=True)
class InputRules:
    """Hold what turns raw input into the model's, and answers into names.

    Attributes:
        vocabulary: the words by rank.
        labels: the names of the classes, where there are any.
        answer: what the numbers of the output stand for, where it is said.
        name: the model's, where training gave one.
        source: where the words are from, where the caller gave them.
        notes: what was recognised, for the user.
        features: what the caller says of raw rows.
    """

    preprocessing: Preprocessing
    vocabulary: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    answer: Answer | None = None
    name: str | None = None
    source: WordSource | None = None
    notes: tuple[str, ...] = ()
    features: FeatureRules | None = None


def read_input_rules(
    signature: Signature,
    *,
    saved_at: Path | None,
    max_length: int | None,
    preprocessing: Preprocessing | None,
    text: TextOptions,
    labels: Any,
    answer: AnswerOptions,
    default_labels: Sequence[str],
    front: TextRules | None = None,
    raw: tuple[RawInput, ...] = (),
    features: FeatureOptions | None = None,
) -> InputRules:
    """Read what the caller says, else what training left beside the model, else what model and signature show.

    Args:
        signature: of the model, behind what takes strings.
        saved_at: the model's file, beside which training may have left a record.
        max_length: the steps that the caller asks for.
        preprocessing: the caller's rules as a whole.
        text: what the caller says of text.
        labels: the caller's, see ``read_labels``.
        answer: what the caller says of the output.
        default_labels: where nobody names the classes.
        front: the rules of the layer that a model which takes strings was split at.
        raw: the steps of the layers that a model was split at.
        features: what the caller says of raw rows.

    Raises:
        InputError: for rules that cannot be told or do not fit the model.
    """
    record = None if saved_at is None else read_record(saved_at)
    told = preprocessing or (record.preprocessing if record else None)
    if front is not None:
        if text.has_words or text.rules is not None or preprocessing is not None:
            raise InputError("the model takes strings and has the rules for them itself; leave words and rules out")
        given = front
    elif text.has_words:
        given = read_text_rules(text, told if told is not None and told.kind == "text" else None)
    else:
        words = record.words if record else ()
        given = TextRules(told or _from_signature(signature), words)
        if text.rules is not None or text.start_id is not None or text.oov_id is not None:
            raise InputError("rules and ids for text need its words: give them with tokenizer= or vocabulary=")
    rules = _padded(given, text, signature, max_length)
    of_rows = read_feature_rules(features or FeatureOptions(), signature, rules)
    rules = _with_raw(rules, raw, of_rows, signature)
    named = read_answer(
        answer,
        signature.outputs,
        labels=read_labels(labels) or (record.labels if record else ()),
        default_labels=default_labels,
        mask_values=signature.mask_values,
    )
    words = _known_words(given.words, rules, signature, given.source)
    if rules.kind == "text":
        rules = dataclasses.replace(rules, steps=rules.text_steps)
    return InputRules(
        preprocessing=dataclasses.replace(rules, vocabulary=vocabulary_name(words) if rules.kind == "text" else None),
        vocabulary=words,
        labels=named.labels,
        answer=named.answer,
        name=record.name if record else None,
        source=given.source,
        notes=given.notes + (() if of_rows is None else of_rows.notes),
        features=of_rows,
    )


def _with_raw(
    rules: Preprocessing, split: tuple[RawInput, ...], given: FeatureRules | None, signature: Signature
) -> Preprocessing:
    """Add the steps from raw values: of the caller's rules, or of the layers that the model was split at."""
    stated = rules.raw + split + (() if given is None else (given.raw,))
    names = [one.input for one in stated]
    if len(set(names)) < len(names):
        raise InputError(
            f"the steps of the input {names[-1]!r} are given twice: its own layers, the rules that were given, and "
            "scaler=, columns= or hop= state them; keep one"
        )
    rules = dataclasses.replace(rules, raw=stated)
    try:
        check_raw(stated, signature.inputs)
    except BundleError as error:
        raise InputError(f"the rules that were given: {error}") from error
    return rules


def _from_signature(signature: Signature) -> Preprocessing:
    """Make rules where nothing is told: shorter and longer input is refused where no step can be missing."""
    first = signature.inputs[0]
    masked = first.name in signature.mask_values
    sides: Any = {} if masked else {"padding": "refuse", "truncating": "refuse"}
    if first.dtype.startswith("int"):
        return Preprocessing("tokens", **sides)
    return Preprocessing("sequence", pad_value=signature.mask_values.get(first.name, 0.0), **sides)


def _padded(given: TextRules, text: TextOptions, signature: Signature, asked: int | None) -> Preprocessing:
    """Add the length and the sides of padding to the rules, or refuse what cannot be told."""
    rules = given.preprocessing
    sides: Any = {
        name: side
        for name, side in (("padding", text.padding), ("truncating", text.truncating))
        if side is not None and side != "none"
    }
    length = _max_length(signature, rules, asked, pads=bool(sides), leaves=text.padding == "none")
    # Where padding is masked, a text without words is a step of nothing but padding.
    masked = signature.inputs[0].name in signature.mask_values
    rules = dataclasses.replace(rules, max_length=length, min_length=1 if masked and length is None else None, **sides)
    shape = signature.inputs[0].shape
    matters = length is not None or not masked
    if given.asks_padding and matters and text.padding is None:
        made = f"{length} steps long" if length is not None else "of one length"
        free = "" if isinstance(shape[1], int) else "; for texts of their own length, padding='none'"
        raise InputError(
            f"a Tokenizer does not say how its texts were made {made}: give padding= pre or post and "
            f"truncating= pre or post, as for pad_sequences, whose own defaults are pre and pre{free}"
        )
    if given.asks_padding and length is not None and text.truncating is None:
        raise InputError(
            f"a Tokenizer does not say from which end longer texts are cut to {length} steps: give truncating= pre "
            "or post, as for pad_sequences, whose own default is pre"
        )
    return rules


def _max_length(
    signature: Signature, rules: Preprocessing, asked: int | None, *, pads: bool, leaves: bool
) -> int | None:
    """Return the length to pad to: the model's own if it is fixed; else one where padding is masked or trained on."""
    shape = signature.inputs[0].shape
    fixed = shape[1] if len(shape) > 1 and isinstance(shape[1], int) else None
    if fixed is not None:
        if asked not in (None, fixed):
            raise InputError(f"max_length={asked}, but the model was built for {fixed} steps; leave the option out")
        if leaves:
            raise InputError(f"padding='none', but the model was built for {fixed} steps; give pre or post")
        return fixed
    if leaves:
        return None
    if pads:
        if asked is None and rules.max_length is None:
            raise InputError("padding= and truncating= need a length, as the model takes any: give max_length=")
        return asked or rules.max_length
    if rules.max_length is not None or signature.inputs[0].name in signature.mask_values:
        return asked or rules.max_length
    return None  # unmasked and of any length: padding would change the answer


def _known_words(
    words: tuple[str, ...], rules: Preprocessing, signature: Signature, source: WordSource | None
) -> tuple[str, ...]:
    """Keep the words that have a row in the table, or refuse text without words and ids without a row."""
    if rules.kind != "text":
        return ()
    if not any(words):
        raise InputError("a text model needs its vocabulary: give its words with vocabulary= or tokenizer=")
    count = signature.inputs[0].id_count
    if count is None:
        return words
    for what in ("start_id", "end_id", "oov_id", "pad_id"):
        if (value := getattr(rules, what)) is not None and not 0 <= value < count:
            raise InputError(f"the rules have the {what} {value}, but the model's table has {count} rows")
    room = max(0, count - rules.index_offset - 1)
    if len(words) > room and source is not None and source.preprocessing is not None:
        raise InputError(
            f"{source.where} gives ids up to {len(words) + rules.index_offset}, but the model's table has {count} "
            "rows; give the words that the model was trained with"
        )
    return words[:room]
