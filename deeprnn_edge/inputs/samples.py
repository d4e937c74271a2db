"""Collect what a visitor can try without typing: sentences in the model's own words, and golden vectors' sequences."""

from __future__ import annotations

import math
from typing import Any

from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
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


def collect_samples(bundle: Bundle, spec: TensorSpec, *, streams: bool = False) -> list[dict[str, Any]]:
    """Return the golden vectors' longest sequences of an input, a row each: ``{"name", "steps"}``.

    Steps are ids ``(time,)`` or features ``(time, features)``, cut at 400 where the time axis is free; of an input that
    is made of raw values, these.

    Args:
        bundle: that has the golden vectors.
        spec: of the input.
        streams: whether whole recordings are samples, where the bundle cuts them into windows.

    Raises:
        BundleError: for a bundle without golden vectors, or without raw values where it has steps for them.
    """
    if (raw := next((one for one in bundle.manifest.preprocessing.raw if one.input == spec.name), None)) is not None:
        return _raw_samples(bundle, raw, streams=streams)
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


def _raw_samples(bundle: Bundle, raw: RawInput, *, streams: bool) -> list[dict[str, Any]]:
    """Return raw items of the golden vectors, for whole sequences their first window each."""
    length = None if raw.window is None or streams else raw.window.length
    samples = [
        {"name": f"{case.name}, row {index + 1}", "steps": item[:length].tolist()}
        for case in bundle.golden_cases()
        for index, item in enumerate(case.values.get(raw.input, ()))
    ]
    if not samples:
        raise BundleError(
            f"the golden vectors of {bundle.path} have no raw values of {raw.input!r}; "
            "export the model again with some, by sample_raw="
        )
    return samples[:_MOST_SAMPLES]
