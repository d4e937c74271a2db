"""Which steps a manifest may state, how they are stored, and how they are told."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.bundle.bundle import MANIFEST, open_bundle
from deeprnn_edge.bundle.manifest import Preprocessing, decode_manifest, encode_manifest
from deeprnn_edge.bundle.manifest_checks import check_manifest
from deeprnn_edge.bundle.text_steps import FILTERS, IMDB_STEPS, TextStep, describe_steps
from deeprnn_edge.errors import BundleError

LOWER, SPLIT = {"step": "lower", "letters": "ascii"}, {"step": "split", "by": "whitespace"}


def with_steps(bundle_path: Path, steps: Any) -> str:
    raw = json.loads((bundle_path / MANIFEST).read_text(encoding="utf-8"))
    raw["preprocessing"]["steps"] = steps
    return json.dumps(raw)


def test_a_manifest_without_steps_has_those_of_imdb(bundle_path: Path) -> None:
    raw = json.loads((bundle_path / MANIFEST).read_text(encoding="utf-8"))
    raw["preprocessing"].pop("steps", None)
    assert decode_manifest(json.dumps(raw)).preprocessing.text_steps == IMDB_STEPS


def test_steps_come_back_without_what_they_do_not_use(bundle_path: Path) -> None:
    manifest = open_bundle(bundle_path).manifest
    steps = (TextStep("substitute", text="<br />", by=" "), TextStep("split", by="separator", text="|"))
    changed = dataclasses.replace(manifest, preprocessing=dataclasses.replace(manifest.preprocessing, steps=steps))
    text = encode_manifest(changed)
    assert json.loads(text)["preprocessing"]["steps"] == [
        {"step": "substitute", "text": "<br />", "by": " "},
        {"step": "split", "text": "|", "by": "separator"},
    ]
    assert decode_manifest(text) == changed
    check_manifest(changed)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"step": "stem", "language": "en"}], r"steps\[0\] is 'stem', a step that this release does not know"),
        ([LOWER, {"step": None}], r"steps\[1\] is None, a step that this release does not know"),
        ([{"step": ["lower"]}], r"is \['lower'\], a step"),
        ([{}], r"steps\[0\] lacks the field 'step'"),
        (["lower"], r"steps\[0\] is 'lower', expected an object"),
        ([{**LOWER, "language": "en"}], "unknown field 'language'"),
        ([{**LOWER, "by": ""}], r"steps\[0\] \(lower\) has by, letters; expected letters"),
        ([{"step": "lower"}], r"has no fields; expected letters"),
        ([{"step": "lower", "letters": "turkish"}], "letters is 'turkish', expected 'unicode' or 'ascii'"),
        ([{"step": "replace", "characters": "", "by": " "}], "characters is '', expected 1 to"),
        ([{"step": "substitute", "text": "a" * 10_001, "by": " "}], "text is 'aaa"),
        ([{"step": "split", "by": "sentences"}], "by is 'sentences', expected 'whitespace' or"),
        ([{"step": "split", "by": "separator"}], r"has by; expected by, text"),
        ([SPLIT, LOWER], "is a split, expected it as the last step"),
        ([LOWER] * 33, "has 33 steps, and 32 are the most"),
        ([{"step": "replace", "characters": "a", "by": "aaaaaaaaa"}] * 2, "up to 81 times as long"),
        ([{"step": "substitute", "text": "a", "by": "a" * 100}], "up to 100 times as long"),
    ],
)
def test_steps_that_cannot_be(bundle_path: Path, steps: Any, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        check_manifest(decode_manifest(with_steps(bundle_path, steps)))


def test_the_usual_steps_in_words() -> None:
    assert describe_steps(IMDB_STEPS) == (
        f"lower case; the characters {FILTERS.strip()} and tab and line end to spaces; split at spaces"
    )


def test_every_step_in_words_of_ascii() -> None:
    steps = (
        TextStep("lower", letters="ascii"),
        TextStep("replace", characters="a\u2028b\x0b", by=""),
        TextStep("substitute", text="<br />", by="\u2029"),
    )
    assert describe_steps(steps) == (
        "A to Z to lower case, other letters stay; the characters ab and '\\u2028' and '\\x0b' deleted; "
        "'<br />' to '\\u2029'; the whole text is one word"
    )
    assert describe_steps((TextStep("split", by="separator", text="|"),)) == "split at '|'"


def test_no_characters_that_java_reads_as_another() -> None:
    step = TextStep("replace", characters="\\\\u000a", by=" ")
    assert describe_steps((step,)).startswith("the characters '\\\\\\\\u0a' to spaces".replace("\\\\\\\\", "\\\\"))
    assert Preprocessing("text").end_id is None
