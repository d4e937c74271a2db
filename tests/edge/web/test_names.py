"""The page names answers as Python does, on random numbers, for each kind that a bundle may state."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.inference.names import label_of, name_rows, scale_back
from deeprnn_edge.inputs.items import kept_steps, to_batch
from deeprnn_edge.web.settings import choose_artifact, make_settings
from tests.support.page_modules import NODE, ask_modules

PROGRAM = """
import { readFileSync } from "node:fs";
import { conclude, decide, describeOutput } from "./answer.js";
import { scaleBack } from "./names.js";
import { keptSteps, padRow } from "./padding.js";
const { cases, rows } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({
  cases: cases.map(({ output, labels, answer, values }) => {
    const rule = describeOutput({ output, labels, answer });
    const scaled = values.map(one => scaleBack(one, answer));
    return {
      scaled, labels: scaled.map(one => decide(one, rule).label),
      all: conclude([{ values: scaled.at(-1), steps: scaled }], rule).label,
    };
  }),
  kept: rows.map(({ row, skips, ...rules }) => keptSteps(padRow(row, rules), row.length, rules, skips)),
}));
"""
ANSWERS = [
    (Answer("class"), 1),
    (Answer("class", threshold=0.8), 1),
    (Answer("labels", threshold=0.6), 4),
    (Answer("steps"), 4),
    (Answer("steps", threshold=0.3), 1),
    (Answer("ctc", blank=0), 3),
    (Answer("ctc", blank=2), 3),
    (Answer("number", scale=(3.0, 0.1), offset=(-1.0, 7.0)), 2),
]


@pytest.mark.skipif(NODE is None, reason="no node on PATH")
def test_javascript_gives_the_same_names(bundle_path: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    cases, expected = [], []
    for answer, width in ANSWERS:
        # Of few different numbers, so that ties, repeats and the threshold itself are met.
        values = (random.integers(0, 11, (1, 30, width)) / 10).astype(np.float32)
        labels = [f"name {index}" for index in range(max(width, 2))]
        told: Any = SimpleNamespace(labels=labels, answer=answer)
        written = {"kind": answer.kind, "threshold": answer.threshold, "blank": answer.blank}
        written |= {"scale": answer.scale, "offset": answer.offset}
        cases.append({"output": {"size": width}, "labels": labels, "answer": written, "values": values[0].tolist()})
        if answer.kind in ("steps", "ctc"):
            expected.append(" ".join(name for name, _ in name_rows(values, told)[0]) or "nothing")
        elif answer.kind == "number":
            expected.append(scale_back(values[0], answer).tolist())
        else:
            rows = [label_of(row, told) for row in name_rows(values[0], told)]
            expected.append([row if isinstance(row, str) else ", ".join(row or ()) or "none of them" for row in rows])
    rules = [
        Preprocessing("tokens", max_length=6, padding=side, truncating=side) for side in ("pre", "post")
    ]  # fmt: skip
    rows = [([5, 0, 7], one, skips) for one in rules for skips in (False, True)] + [([1] * 9, rules[0], False)]
    sent = [
        {
            "row": row,
            "skips": skips,
            "maxLength": one.max_length,
            "padId": 0,
            "padValue": 0,
            "padding": one.padding,
            "truncating": one.truncating,
        }
        for row, one, skips in rows
    ]
    answered = in_node(tmp_path, {"cases": cases, "rows": sent})
    for (answer, _), one, want in zip(ANSWERS, answered["cases"], expected, strict=True):
        found = {"steps": one["all"], "ctc": one["all"], "number": one["scaled"]}.get(answer.kind, one["labels"])
        assert found == want, answer
    for (row, one, skips), kept in zip(rows, answered["kept"], strict=True):
        assert kept_steps([row], to_batch([row], one, 6), one, skips_padding=skips).tolist() == [kept]
    bundle = open_bundle(bundle_path)
    told = dataclasses.replace(bundle.manifest, answer=Answer("class", threshold=0.8))
    settings = make_settings(dataclasses.replace(bundle, manifest=told), choose_artifact(bundle, None))
    assert settings["answer"] == {
        "kind": "class", "threshold": 0.8, "blank": None, "scale": None, "offset": None, "skipsPadding": False
    }  # fmt: skip


def in_node(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    return ask_modules(folder, ("answer.js", "names.js", "padding.js"), PROGRAM, given)
