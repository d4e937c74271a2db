"""Decide how a text becomes ids: from what the words' file tells and what the caller says, or refuse to guess."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.text_steps import IMDB_STEPS, check_steps, refuse_unknown_steps
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files.strict_json import decode, parse
from deeprnn_edge.inputs.text import compile_steps
from deeprnn_export.datasets.text_layers import TOKENIZER_STEPS, text_vectorization_rules, tokenizer_rules, words_by_id
from deeprnn_export.datasets.tokenizer_files import WordSource, read_word_source

RULES = {
    "imdb": Preprocessing("text", steps=IMDB_STEPS),
    "textvectorization": text_vectorization_rules({}),
    "tokenizer": Preprocessing("text", start_id=None, oov_id=None, index_offset=0, steps=TOKENIZER_STEPS),
}
_CHOICES = (
    "rules= imdb (keras.datasets.imdb: start id 1, unknown 2, rank + 3, padding in front), textvectorization "
    "(unknown 1, rank + 1, padding behind), tokenizer (a Keras Tokenizer: rank as it is), or a JSON FILE with "
    "the fields of a manifest's preprocessing"
)

# The rules that what states its own may also be given by name.
_OWN = {"a Keras Tokenizer": "tokenizer", "a TextVectorization": "textvectorization"}

Id = int | Literal["none"] | None


@dataclass(frozen=True)
class TextOptions:
    """Hold what a caller says of text; None leaves it to what is told elsewhere.

    Attributes:
        vocabulary, tokenizer: the words, see ``read_word_source``; one of the two.
        rules: ``imdb``, ``textvectorization``, ``tokenizer``, or a JSON file.
        padding: ``none`` leaves each text its own length.
        start_id, oov_id: ``none`` for no such id.
    """

    vocabulary: Any = ()
    tokenizer: Any = None
    rules: str | Path | None = None
    padding: Literal["pre", "post", "none"] | None = None
    truncating: Literal["pre", "post"] | None = None
    start_id: Id = None
    oov_id: Id = None
    index_offset: int | None = None

    @property
    def has_words(self) -> bool:
        """Return whether the caller gives words."""
        return self.tokenizer is not None or isinstance(self.vocabulary, str | Path) or bool(self.vocabulary)


@dataclass(frozen=True)
class TextRules:
    """Hold the rules for text, and the words by id.

    Attributes:
        asks_padding: whether nothing tells how texts were padded.
        source: where the words are from.
        notes: what was recognised, for the user.
    """

    preprocessing: Preprocessing
    words: tuple[str, ...]
    asks_padding: bool = False
    source: WordSource | None = None
    notes: tuple[str, ...] = field(default=())


def read_text_rules(options: TextOptions, told: Preprocessing | None) -> TextRules:
    """Read the caller's words by the rules that are told.

    Args:
        options: which give words.
        told: rules for text from elsewhere: the caller's own object, or what training left beside the model.

    Raises:
        InputError: where the rules cannot be told, naming the choices; and for files that cannot be used.
    """
    if options.tokenizer is not None and options.has_words and TextOptions(options.vocabulary).has_words:
        raise InputError("give the words with tokenizer= or with vocabulary=, not with both")
    option = "the vocabulary" if options.tokenizer is None else "the tokenizer"
    given = options.vocabulary if options.tokenizer is None else options.tokenizer
    source = read_word_source(given, what=option)
    notes = [f"{source.where} is {source.kind}"]
    if source.preprocessing is not None:
        if options.rules not in (None, _OWN[source.kind]):
            raise InputError(f"{source.where} is {source.kind}, which states its own rules; leave rules= out")
        rules = _with_ids(source.preprocessing, options)
        asks = source.kind == "a Keras Tokenizer"
        return TextRules(rules, source.words, asks, source, tuple(notes))
    base = _read_rules(options.rules) if options.rules is not None else told
    if base is None:
        raise InputError(
            f"{source.where} is {source.kind}, which does not say how a text becomes these words, "
            f"nor which ids they have: give {_CHOICES}"
        )
    if options.index_offset is not None:
        base = replace(base, index_offset=options.index_offset)
    asks = options.rules == "tokenizer"
    base, words = _place(source, base, notes)
    return TextRules(_with_ids(base, options), words, asks, source, tuple(notes))


def _place(source: WordSource, base: Preprocessing, notes: list[str]) -> tuple[Preprocessing, tuple[str, ...]]:
    """Order the words by id; find a Tokenizer's unknown word at 1, as no text can hold it."""
    offset = base.index_offset
    numbers = dict(source.numbers) if source.are_ids else {w: n + offset for w, n in source.numbers.items()}
    if offset == 0 and base.oov_id is None:
        split = compile_steps(base.text_steps)
        first = next((word for word, number in numbers.items() if number == 1), None)
        if first is not None and split(first) != [first]:
            notes.append(f"{first!r} is no word of a text by these rules, so its id 1 is that of unknown words")
            base, offset = replace(base, oov_id=1, index_offset=1), 1
    words = words_by_id({word: number for word, number in numbers.items() if number > offset}, offset, source.where)
    return base, words


def _with_ids(rules: Preprocessing, options: TextOptions) -> Preprocessing:
    for name in ("start_id", "oov_id"):
        if (value := getattr(options, name)) is not None:
            changed: Any = {name: None if value == "none" else value}
            rules = replace(rules, **changed)
    return rules


def _read_rules(given: str | Path) -> Preprocessing:
    """Take a preset by name, or read a JSON file: fields of ``preprocessing``, a manifest, or the config of a layer."""
    if isinstance(given, str) and given in RULES:
        return RULES[given]
    path = Path(given)
    try:
        raw = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"rules={str(given)!r}: neither imdb, textvectorization nor tokenizer, nor a file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the rules {path}: {error}") from error
    if not isinstance(raw, dict):
        raise InputError(f"the rules {path} hold a {type(raw).__name__}; expected an object")
    config = raw.get("config", raw)
    if isinstance(config, dict) and "standardize" in config:
        return text_vectorization_rules(config)
    if isinstance(config, dict) and {"word_index", "filters"} <= config.keys():
        return tokenizer_rules(config, str(path)).preprocessing
    fields = {"kind": "text"} | raw.get("preprocessing", raw)
    try:
        refuse_unknown_steps(fields.get("steps"))
        rules: Preprocessing = decode(Preprocessing, fields, path.name)
        check_steps(rules.text_steps)
    except BundleError as error:
        raise InputError(f"the rules {path}: {error}") from error
    return replace(rules, kind="text", vocabulary=None, steps=rules.text_steps)
