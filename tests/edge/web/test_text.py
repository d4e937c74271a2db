"""The rule from text to ids in JavaScript gives what the Python one gives, on shared cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.inputs.padding import pad_ids
from deeprnn_edge.inputs.text import TextEncoder, split_words
from tests.fixtures.make_text_cases import FILE, RULES, make_cases, to_json
from tests.support.page_modules import NODE, ask_modules

needs_node = pytest.mark.skipif(NODE is None, reason="no node on PATH")

CASES: dict[str, Any] = json.loads(FILE.read_text(encoding="ascii"))

ANSWER = """
import { Encoder, parseIds } from "./text.js";
import { padRow } from "./padding.js";
let given = "";
process.stdin.setEncoding("utf8");
for await (const part of process.stdin) given += part;
const { vocabulary, rules, texts, rows } = JSON.parse(given);
const encoders = Object.values(rules).map(rule => new Encoder(rule, vocabulary));
console.log(JSON.stringify({
  words: encoders.map(encoder => texts.map(encoder.split)),
  ids: encoders.map(encoder => texts.map(text => encoder.encode(text))),
  padded: rows.map(({ row, ...rules }) => padRow(row, rules)),
  parsed: parseIds(" 1, 2 3\\n", 4),
}));
"""


def in_node(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    return ask_modules(folder, ("text.js", "padding.js"), ANSWER, given)


def test_the_cases_are_those_of_the_python_rule() -> None:
    assert FILE.read_text(encoding="ascii") == to_json(make_cases()), "run: python tests/fixtures/make_text_cases.py"


@needs_node
def test_javascript_gives_the_same_words_and_ids(tmp_path: Path) -> None:
    vocabulary = CASES["vocabulary"]
    texts = [case["text"] * case["times"] for case in CASES["cases"]]
    assert max(len(text.encode()) for text in texts) >= 100_000
    sides = [(padding, truncating) for padding in ("pre", "post") for truncating in ("pre", "post")]
    rows = [
        {"row": list(range(1, length + 1)), "maxLength": 4, "padId": 9, "padding": padding, "truncating": truncating}
        for length in (0, 3, 4, 6)
        for padding, truncating in sides
    ]
    free = {"maxLength": None, "minLength": 1, "padId": 9, "padding": "pre", "truncating": "pre"}
    assert in_node(
        tmp_path, {"vocabulary": [], "rules": {}, "texts": [], "rows": [{"row": row, **free} for row in ([], [7, 8])]}
    )["padded"] == [[9], [7, 8]]
    seen = in_node(tmp_path, {"vocabulary": vocabulary, "rules": CASES["rules"], "texts": texts, "rows": rows})
    for rule, words_of, ids_of in zip(RULES, seen["words"], seen["ids"], strict=True):
        encoder = TextEncoder(RULES[rule], vocabulary)
        for case, text, words, found in zip(CASES["cases"], texts, words_of, ids_of, strict=True):
            assert words == encoder.split(text), (rule, case["name"])
            assert found == encoder.encode(text), (rule, case["name"])
            expected = case["ids"] if rule == "imdb" else case.get("others", {}).get(rule, [])
            assert found[: len(expected)] == expected, (rule, case["name"])
    assert seen["parsed"] == [1, 2, 3]
    for row, padded in zip(rows, seen["padded"], strict=True):
        how = {"padding": row["padding"], "truncating": row["truncating"]}
        assert padded == pad_ids([row["row"]], length=4, pad_id=9, **how)[0].tolist(), row


@needs_node
def test_every_letter_is_lowered_alike(tmp_path: Path) -> None:
    # Letters that one side's Unicode version does not have yet are no letters to it, and stay as they are.
    letters = [chr(code) for code in range(0x20, 0x3134F) if not 0xD800 <= code < 0xE000]
    texts = [f"a{letter}a" for letter in letters]
    rules = {"imdb": CASES["rules"]["imdb"]}
    seen = in_node(tmp_path, {"vocabulary": [], "rules": rules, "texts": texts, "rows": []})
    unlike = [
        letter
        for letter, text, words in zip(letters, texts, seen["words"][0], strict=True)
        if words != split_words(text)
    ]
    # Python 3.11 has Unicode 14 and Node 20 has 17: 55 letters, all of scripts and phonetics added since.
    assert len(unlike) <= 200
    assert all(ord(letter) > 0x1C88 for letter in unlike)
