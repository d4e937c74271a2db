"""Read the rules for text out of Keras's own objects: a ``TextVectorization`` and a ``Tokenizer``, by their configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.text_steps import FILTERS, PUNCTUATION, TextStep
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_edge.files.strict_json import parse, show

_LOWER = TextStep("lower", letters="unicode")
# tf.strings.lower leaves letters beyond ASCII as they are.
_LOWER_ASCII = TextStep("lower", letters="ascii")
_STRIP = TextStep("replace", characters=PUNCTUATION, by="")
STANDARDIZE: dict[str | None, tuple[TextStep, ...]] = {
    None: (),
    "lower": (_LOWER_ASCII,),
    "strip_punctuation": (_STRIP,),
    "lower_and_strip_punctuation": (_LOWER_ASCII, _STRIP),
}
SPLIT: dict[str | None, tuple[TextStep, ...]] = {
    None: (),
    "whitespace": (TextStep("split", by="ascii whitespace"),),
    "character": (TextStep("split", by="characters"),),
}
# What a TextVectorization can do beyond looking words up, and what stands for not doing it.
_PLAIN = {"ngrams": None, "output_mode": "int", "ragged": False, "sparse": False, "encoding": "utf-8"}

SPECIAL = ("", "[UNK]")  # how get_vocabulary() begins: padding and the unknown word


class LayerRules(NamedTuple):
    """Hold the rules of a layer or a tokenizer, and its words by id: the id of the first is ``index_offset + 1``."""

    preprocessing: Preprocessing
    words: tuple[str, ...]


def text_vectorization_rules(config: Mapping[str, Any], name: str = "TextVectorization") -> Preprocessing:
    """Read a ``TextVectorization``'s config.

    Args:
        config: what ``get_config()`` gives.
        name: the layer's, for messages.

    Raises:
        UnsupportedModelError: for n-grams, functions of the user's own, and outputs other than ids, by name.
    """
    for option, plain in _PLAIN.items():
        if (value := config.get(option, plain)) != plain:
            raise UnsupportedModelError(
                f"layer {name!r} (TextVectorization) has {option}={value!r}, which no step of a bundle does; "
                f"expected {option}={plain!r}"
            )
    steps: list[TextStep] = []
    for option, known, default in (
        ("standardize", STANDARDIZE, "lower_and_strip_punctuation"),
        ("split", SPLIT, "whitespace"),
    ):
        value = config.get(option, default)
        if not (value is None or isinstance(value, str)) or value not in known:
            raise UnsupportedModelError(
                f"layer {name!r} (TextVectorization) has a function of its own as {option}, which a bundle cannot "
                f"carry; expected {' or '.join(map(repr, known))}"
            )
        steps += known[value]
    return Preprocessing(
        "text",
        start_id=None,
        oov_id=1,
        index_offset=1,
        max_length=config.get("output_sequence_length"),
        padding="post",
        truncating="post",
        steps=tuple(steps),
    )


def tokenizer_rules(config: Mapping[str, Any], where: str) -> LayerRules:
    """Read the config of a Keras ``Tokenizer``, as its ``to_json`` has it. How texts were padded it does not say.

    Raises:
        InputError: for a config that lacks something, and for ids that cannot be.
    """
    try:
        index = config["word_index"]
        index = parse(index) if isinstance(index, str) else index
        filters, lower, split = config["filters"], config["lower"], config["split"]
        count, characters, unknown = config.get("num_words"), config.get("char_level"), config.get("oov_token")
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{where} is no whole Tokenizer ({error}); write tokenizer.to_json() again") from error
    given = {"filters": filters, "split": split, "num_words": count, "oov_token": unknown}
    for option, value in given.items():
        kind = int if option == "num_words" else str
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            said = f"is no whole Tokenizer: {option} is {show(value)}, expected {kind.__name__}"
            raise InputError(f"{where} {said}; write tokenizer.to_json() again")
    steps = [_LOWER] if lower else []
    if characters:
        steps.append(TextStep("split", by="characters"))
    else:
        if not split:
            raise InputError(f"{where} splits at nothing (split={split!r}), with which Keras fails too")
        steps += [TextStep("replace", characters=filters, by=split)] if filters else []
        steps.append(TextStep("split", by="separator", text=split))
    index = check_index(index, where)
    oov_id = None if unknown is None else index.get(unknown)
    offset = 1 if oov_id == 1 else 0
    kept = {word: number for word, number in index.items() if not count or number < count}
    words = words_by_id({word: number for word, number in kept.items() if number > offset}, offset, where)
    rules = Preprocessing("text", start_id=None, oov_id=oov_id, index_offset=offset, steps=tuple(steps))
    return LayerRules(rules, words)


def check_index(index: Any, where: str) -> dict[str, int]:
    """Return an index of word to number.

    Raises:
        InputError: for another object, and for numbers that are none or come twice.
    """
    if not isinstance(index, Mapping) or not index:
        raise InputError(f"{where} has no words")
    seen: dict[int, str] = {}
    for word, number in index.items():
        if not isinstance(word, str) or not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise InputError(f"{where} gives {show(word)} the number {show(number)}; expected a whole number from 0")
        if number in seen:
            raise InputError(
                f"{where} gives {show(seen[number])} and {show(word)} the number {show(number)}; expected each once"
            )
        seen[number] = word
    return dict(index)


def words_by_id(index: Mapping[str, int], offset: int, where: str) -> tuple[str, ...]:
    """Order words whose ids lie above ``offset``; an id that no word has is an empty word, which no text holds.

    Raises:
        InputError: for ids that leave more empty than they fill.
    """
    if not index:
        return ()
    count = max(index.values()) - offset
    if count > 2 * len(index) + 100:
        raise InputError(
            f"{where} has {len(index):,} words and ids up to {count + offset:,}; expected ids without gaps"
        )
    words = [""] * count
    for word, number in index.items():
        words[number - offset - 1] = word
    return tuple(words)


TOKENIZER_STEPS = (
    _LOWER,
    TextStep("replace", characters=FILTERS, by=" "),
    TextStep("split", by="separator", text=" "),
)
