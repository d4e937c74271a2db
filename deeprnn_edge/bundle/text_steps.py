"""Name the steps by which a text becomes words, and say which of them can be.

The rules of ``keras.datasets.imdb`` are the default, so that a manifest without steps reads as it always did.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.strict_json import show

# What keras.preprocessing.text.Tokenizer filters: an apostrophe stays part of its word.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
# What TextVectorization deletes: the same without tab and line end, and with the apostrophe.
PUNCTUATION = FILTERS.strip() + "'"

SPLITS = ("whitespace", "ascii whitespace", "characters", "separator")
# The fields that each step has; a step has these and no others.
_FIELDS = {
    "lower": ("letters",),
    "replace": ("characters", "by"),
    "substitute": ("text", "by"),
    "split": ("by",),
}
_MOST_STEPS = 32
_MOST_CHARACTERS = 10_000
# How many times longer than what was given a text may become; what a stranger's bundle asks for is bounded.
_MOST_GROWTH = 64


@dataclass(frozen=True)
class TextStep:
    """Hold one step from a text to its words; what a step does not use is None.

    Attributes:
        step: ``lower``; ``replace`` (each of ``characters`` by ``by``, which may be empty); ``substitute`` (``text``
            as a whole by ``by``); or, as the last step, ``split``. Without a split the whole text is one word.
        letters: of ``lower``: ``unicode`` as Python's ``str.lower``, or ``ascii`` for A to Z alone.
        by: of ``split``: ``whitespace`` as Python's ``str.split``, ``ascii whitespace`` as TensorFlow's,
            ``characters``, or ``separator``, which is then ``text``.
    """

    step: str
    letters: str | None = None
    characters: str | None = None
    text: str | None = None
    by: str | None = None


IMDB_STEPS = (
    TextStep("lower", letters="unicode"),
    TextStep("replace", characters=FILTERS, by=" "),
    TextStep("split", by="whitespace"),
)


def encode_step(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step's fields without those that it does not use."""
    return {name: value for name, value in step.items() if value is not None}


def refuse_unknown_steps(steps: Any) -> None:
    """Raise BundleError for a step of a later release by its name, whatever fields it has."""
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict) and step.get("step", "lower") not in tuple(_FIELDS):
            raise BundleError(
                f"manifest.json.preprocessing.steps[{index}] is {show(step['step'])}, a step that this release does "
                f"not know; it has {', '.join(_FIELDS)}: install the release that made the bundle"
            )


def check_steps(steps: Sequence[TextStep]) -> None:
    """Raise BundleError that names the step which cannot be."""
    if len(steps) > _MOST_STEPS:
        raise BundleError(f"manifest.json.preprocessing.steps has {len(steps)} steps, and {_MOST_STEPS} are the most")
    growth = 1.0
    for index, step in enumerate(steps):
        where = f"manifest.json.preprocessing.steps[{index}]"
        refuse_unknown_steps([{"step": step.step}])
        wanted = {*_FIELDS[step.step], *(["text"] if step.step == "split" and step.by == "separator" else [])}
        given = encode_step(dataclasses.asdict(step)).keys() - {"step"}
        if given != wanted:
            raise BundleError(
                f"{where} ({step.step}) has {', '.join(sorted(given)) or 'no fields'}; "
                f"expected {', '.join(sorted(wanted))}"
            )
        for name in ("characters", "text"):
            if getattr(step, name) == "" or len(getattr(step, name) or "") > _MOST_CHARACTERS:
                raise BundleError(f"{where}.{name} is {show(getattr(step, name))}, expected 1 to {_MOST_CHARACTERS:,}")
        _check_choice(f"{where}.letters", step.letters, ("unicode", "ascii"))
        if step.step == "split":
            _check_choice(f"{where}.by", step.by, SPLITS)
            if index + 1 < len(steps):
                raise BundleError(f"{where} is a split, expected it as the last step")
        else:
            growth *= max(1, math.ceil(len(step.by or "") / len(step.text or " ")))
    if growth > _MOST_GROWTH:
        raise BundleError(
            f"manifest.json.preprocessing.steps makes a text up to {growth:,.0f} times as long, "
            f"and {_MOST_GROWTH} times is the most"
        )


def describe_steps(steps: Sequence[TextStep]) -> str:
    """Say in words, of ASCII alone, what the steps do to a text."""
    said = [_describe(step) for step in steps]
    if not steps or steps[-1].step != "split":
        said.append("the whole text is one word")
    return "; ".join(said)


def _describe(step: TextStep) -> str:
    if step.step == "lower":
        return "lower case" if step.letters == "unicode" else "A to Z to lower case, other letters stay"
    by = {" ": "to spaces", "": "deleted"}.get(step.by or "", f"to {show_text(step.by or '')}")
    if step.step == "replace":
        return f"the characters {show_characters(step.characters or '')} {by}"
    if step.step == "substitute":
        return f"{show_text(step.text or '')} {by}"
    return {
        "whitespace": "split at spaces",
        "ascii whitespace": "split at spaces and what ASCII has of tabs and line ends",
        "characters": "split into characters",
    }.get(step.by or "", f"split at {show_text(step.text or '')}")


def show_text(text: str) -> str:
    """Return a text in quotes, of ASCII alone."""
    return ascii(text)


def show_characters(characters: str) -> str:
    """Return characters as they are where they can be seen, and the others by their names."""
    names = {" ": "space", "\t": "tab", "\n": "line end"}
    distinct = dict.fromkeys(characters)
    seen = "".join(one for one in distinct if one.isascii() and one.isprintable() and one != " ")
    rest = [character for character in distinct if character not in seen]
    if "\\u" in seen:  # what Java reads as a character, even in a comment
        seen = ascii(seen)
    return " and ".join([*([seen] if seen else []), *(names.get(one, ascii(one)) for one in rest)])


def _check_choice(where: str, value: str | None, choices: Sequence[str]) -> None:
    if value is not None and value not in choices:
        raise BundleError(f"{where} is {show(value)}, expected {' or '.join(map(repr, choices))}")
