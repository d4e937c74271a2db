"""Collect what a visitor can try without typing: sentences in the model's own words, and golden vectors' sequences."""

from __future__ import annotations

import math
from typing import Any

from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import TensorSpec
from deeprnn_edge.inputs.text import Split, split_words

_SENTENCES = (
    "a gorgeous, moving film",
    "it begins well and then it falls apart badly",
    "not funny, never dull: the best story of its time",
    "I love this film, but the plot is boring",
    "the worst movie in a long time",
)
# A sentence of which the model knows less says nothing of it.
_KNOWN_SHARE = 0.6
_MOST_SAMPLES = 6
# A replay of more takes minutes to watch, and each step of 12 numbers takes 100 bytes on the page.
_MOST_STEPS = 400


def collect_examples(vocabulary: list[str], split: Split = split_words) -> list[str]:
    """Return the sentences that are mostly in the model's words, or else its most frequent words as one."""
    known = set(vocabulary)

    def share(sentence: str) -> float:
        words = split(sentence)
        return sum(word in known for word in words) / len(words)

    found = [sentence for sentence in _SENTENCES if share(sentence) >= _KNOWN_SHARE]
    frequent = list(filter(None, vocabulary[:8]))
    # Characters stand side by side, words apart: whichever the rules read as these words.
    made = [text for text in (" ".join(frequent), "".join(frequent)) if text]
    return found or [text for text in made if split(text) == frequent][:1] or made[:1]


def collect_samples(bundle: Bundle, spec: TensorSpec) -> list[dict[str, Any]]:
    """Return the golden vectors' longest sequences of an input, a row each: ``{"name", "steps"}``.

    Steps are ids ``(time,)`` or features ``(time, features)``, cut at 400 where the time axis is free.

    Raises:
        BundleError: for a bundle without golden vectors.
    """
    fixed = not isinstance(spec.shape[1], str)
    found: list[tuple[int, str, list[Any]]] = []
    for case in bundle.golden_cases():
        rows = case.inputs.get(spec.name)
        if rows is None or rows.ndim != len(spec.shape) or not rows.size:
            continue
        for index, row in enumerate(rows[:2]):
            steps = row if fixed else row[:_MOST_STEPS]
            values = steps.tolist()
            if all(map(math.isfinite, steps.ravel().tolist())) and not any(values == other for _, _, other in found):
                found.append((len(row), f"{case.name}, row {index + 1}", values))
    found.sort(key=lambda sample: -sample[0])
    return [{"name": name, "steps": steps} for _, name, steps in found[:_MOST_SAMPLES]]
