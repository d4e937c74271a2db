"""The rule from text to ids in JavaScript gives what the Python one gives, on shared cases."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.inputs.padding import pad_ids
from deeprnn_edge.inputs.text import encode, split_words, word_ids
from tests.fixtures.make_text_cases import FILE, make_cases, to_json

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no node on PATH")

CASES: dict[str, Any] = json.loads(FILE.read_text(encoding="ascii"))

ANSWER = """
import { encode, splitWords, wordIds, parseIds } from "./text.js";
import { padRow } from "./padding.js";
let given = "";
process.stdin.setEncoding("utf8");
for await (const part of process.stdin) given += part;
const { vocabulary, texts, rows } = JSON.parse(given);
const ids = wordIds(vocabulary);
console.log(JSON.stringify({
  words: texts.map(splitWords),
  ids: texts.map(text => encode(text, ids)),
  unstarted: encode("the film", ids, { startId: null, oovId: 7 }),
  padded: rows.map(({ row, ...rules }) => padRow(row, rules)),
  parsed: parseIds(" 1, 2 3\\n", 4),
}));
"""


def in_node(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What the page's modules answer."""
    assets = resources.files("deeprnn_edge.web") / "assets"
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for name in ("text.js", "padding.js"):
        (folder / name).write_bytes((assets / name).read_bytes())
    (folder / "answer.js").write_text(ANSWER, encoding="utf-8")
    done = subprocess.run(
        [str(NODE), "answer.js"], cwd=folder, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_cases_are_those_of_the_python_rule() -> None:
    assert FILE.read_text(encoding="ascii") == to_json(make_cases()), "run: python tests/fixtures/make_text_cases.py"


@needs_node
def test_javascript_gives_the_same_words_and_ids(tmp_path: Path) -> None:
    vocabulary = CASES["vocabulary"]
    ids = word_ids(vocabulary)
    texts = [case["text"] * case["times"] for case in CASES["cases"]]
    assert max(len(text.encode()) for text in texts) >= 100_000
    sides = [(padding, truncating) for padding in ("pre", "post") for truncating in ("pre", "post")]
    rows = [
        {"row": list(range(1, length + 1)), "maxLength": 4, "padId": 9, "padding": padding, "truncating": truncating}
        for length in (0, 3, 4, 6)
        for padding, truncating in sides
    ]
    seen = in_node(tmp_path, {"vocabulary": vocabulary, "texts": texts, "rows": rows})
    for case, text, words, found in zip(CASES["cases"], texts, seen["words"], seen["ids"], strict=True):
        assert words == split_words(text), case["name"]
        assert found == encode(text, ids), case["name"]
        assert found[: len(case["ids"])] == case["ids"], case["name"]
    assert seen["unstarted"] == encode("the film", ids, start_id=None, oov_id=7)
    assert seen["parsed"] == [1, 2, 3]
    for row, padded in zip(rows, seen["padded"], strict=True):
        how = {"padding": row["padding"], "truncating": row["truncating"]}
        assert padded == pad_ids([row["row"]], length=4, pad_id=9, **how)[0].tolist(), row


@needs_node
def test_every_letter_is_lowered_alike(tmp_path: Path) -> None:
    # Letters that one side's Unicode version does not have yet are no letters to it, and stay as they are.
    letters = [chr(code) for code in range(0x20, 0x3134F) if not 0xD800 <= code < 0xE000]
    texts = [f"a{letter}a" for letter in letters]
    seen = in_node(tmp_path, {"vocabulary": [], "texts": texts, "rows": []})
    unlike = [
        letter for letter, text, words in zip(letters, texts, seen["words"], strict=True) if words != split_words(text)
    ]
    # Python 3.11 has Unicode 14 and Node 20 has 17: 55 letters, all of scripts and phonetics added since.
    assert len(unlike) <= 200
    assert all(ord(letter) > 0x1C88 for letter in unlike)
