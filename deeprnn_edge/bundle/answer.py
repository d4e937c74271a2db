"""Say what the numbers of a model's one output stand for: a class, several, a name a step, a spelling, a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.strict_json import show

# The fields that each kind may have beside those that every one has.
KINDS: dict[str, tuple[str, ...]] = {
    "class": ("threshold",),
    "labels": ("threshold",),
    "steps": ("threshold",),
    "ctc": ("blank",),
    "number": ("scale", "offset"),
}
THRESHOLD = 0.5


@dataclass(frozen=True)
class Answer:
    """Say how the numbers of the model's one output become an answer; what a kind does not use is None.

    Attributes:
        kind: ``class`` (the largest of the classes, or the second of two above the threshold), ``labels`` (each class
            above the threshold), ``steps`` (a class for each step), ``ctc`` (the largest class of each step, repeats
            joined, then the blank left out), or ``number`` (quantities, scaled back).
        threshold: what a probability has to be above; None for 0.5.
        blank: of ``ctc``, the class that stands for nothing.
        scale: of ``number``, what each value of the last axis is multiplied by.
        offset: of ``number``, what is then added.
        skips_padding: of ``steps`` and ``ctc``, whether steps of the pad id or value are no steps of the answer, as the
            network masks them; what a device pads itself never is.
    """

    kind: str
    threshold: float | None = None
    blank: int | None = None
    scale: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None
    skips_padding: bool = False

    @property
    def limit(self) -> float:
        """Return what a probability has to be above."""
        return THRESHOLD if self.threshold is None else self.threshold


def refuse_unknown_kind(raw: Any) -> None:
    """Raise BundleError for an answer of a later release by its kind, whatever fields it has."""
    if isinstance(raw, dict) and raw.get("kind", "class") not in tuple(KINDS):
        raise BundleError(
            f"manifest.json.answer.kind is {show(raw['kind'])}, a kind that this release does not know; "
            f"it has {', '.join(KINDS)}: install the release that made the bundle"
        )


def class_count(kind: str, width: int) -> int:
    """Return how many names an output of so many values has: one probability decides between two classes."""
    return 2 if width == 1 and kind in ("class", "steps") else width


def describe_answer(answer: Answer | None, shape: Sequence[int | str]) -> str:
    """Say in words what the numbers of an output stand for, without the labels.

    Args:
        answer: of the manifest; None for a class.
        shape: of the output.
    """
    limit = f"{THRESHOLD if answer is None else answer.limit:g}"
    kind = "class" if answer is None else answer.kind
    one = f"above {limit} it is the second" if shape[-1] == 1 else "it is that of the largest number"
    if answer is None or kind == "class":
        return one
    if kind == "labels":
        return f"it is each whose number is above {limit}"
    if kind == "number":
        pairs = zip(answer.scale or (), answer.offset or (), strict=True)
        return "the quantity is the number of the output " + ", ".join(f"* {a!r} + {b!r}" for a, b in pairs)
    left = ", but for padding" if answer.skips_padding else ""
    if kind == "steps":
        return f"for each step{left}, {one}"
    return (
        f"for each step{left}, {one}; a class that follows itself counts once, "
        f"and the class {answer.blank}, counted from 0, is the blank and left out"
    )
