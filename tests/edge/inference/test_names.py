"""Numbers become names as the bundle says, in arrays, streams and commands; each kind against its definition."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import deeprnn_edge
from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.bundle import MANIFEST
from deeprnn_edge.bundle.manifest import encode_manifest
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inference.names import name_rows
from tests.support.changed_bundle import change_manifest

ANSWERS = [
    ("ctc", Answer("ctc", blank=0), [1, 1, 0, 1, 2, 2, 0, 0, 2], ["b", "b", "c", "c"]),
    ("ctc, another blank", Answer("ctc", blank=2), [1, 2, 1, 1, 0, 2], ["b", "b", "a"]),
    ("ctc, blanks alone", Answer("ctc", blank=0), [0, 0], []),
    ("steps", Answer("steps"), [1, 1, 0, 2], ["b", "b", "a", "c"]),
]


def told(labels: Any, answer: Answer | None) -> Any:
    return SimpleNamespace(labels=labels, answer=answer)


def steps_of(classes: list[int]) -> Any:
    return np.eye(3, dtype=np.float32)[classes][np.newaxis]


@pytest.mark.parametrize(
    ("answer", "classes", "expected"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS]
)
def test_a_name_a_step_and_what_steps_spell(answer: Answer, classes: list[int], expected: list[str]) -> None:
    values, manifest = steps_of(classes), told("abc", answer)
    assert [name for name, _ in name_rows(values, manifest)[0]] == expected
    # Cut anywhere, a spelling goes on where it was.
    for cut in range(1, len(classes)):
        first = name_rows(values[:, :cut], manifest)
        rest = name_rows(values[:, cut:], manifest, last=[classes[cut - 1]])
        assert [name for name, _ in [*first[0], *rest[0]]] == expected


def test_padding_is_no_step() -> None:
    values, kept = steps_of([1, 1, 2, 2]), np.array([[False, True, True, False]])
    assert name_rows(values, told("abc", Answer("steps")), kept=kept) == [[("b", 1.0), ("c", 1.0)]]
    other = np.ones((1, 9), bool)  # a network that joins steps has none of the input's
    assert len(name_rows(values, told("abc", Answer("steps")), kept=other)[0]) == 4


def test_the_number_of_a_spelled_name_is_the_largest_of_its_steps() -> None:
    values = np.array([[[0.1, 0.6], [0.2, 0.8], [0.9, 0.1]]])
    assert name_rows(values, told("ab", Answer("ctc", blank=0))) == [[("b", 0.8)]]


def test_several_classes_one_and_quantities() -> None:
    values = np.array([[0.2, 0.9, 0.7], [0.1, 0.2, 0.3]])
    assert name_rows(values, told("abc", Answer("labels"))) == [[("b", 0.9), ("c", 0.7)], []]
    assert name_rows(values, told("abc", Answer("labels", threshold=0.15)))[1] == [("c", 0.3), ("b", 0.2)]
    one = np.array([[0.75], [0.8]])
    assert name_rows(one, told(("no", "yes"), Answer("class", threshold=0.75)), top_k=2) == [
        [("no", 0.25), ("yes", 0.75)],  # decided, though the less probable of the two
        [("yes", 0.8), pytest.approx(("no", 0.2))],
    ]
    assert name_rows(np.array([[3.5, 2.0]]), told("ab", Answer("number"))) == [[("a", 3.5), ("b", 2.0)]]


@pytest.fixture
def text_bundle(stream_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream_bundle, tmp_path / "text"))


@pytest.fixture
def steps_bundle(stream_steps_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream_steps_bundle, tmp_path / "steps"))


def answer_lines(command: str, bundle: Path, *words: Any, given: str | None = None) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, [command, str(bundle), *map(str, words)], input=given)
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_threshold_decides_everywhere(text_bundle: Path) -> None:
    text = "a gorgeous, moving film"
    probability = float(np.asarray(deeprnn_edge.load(text_bundle).predict(text))[0, 0])
    for threshold, expected in ((probability - 0.01, "positive"), (probability + 0.01, "negative")):
        change_manifest(text_bundle, answer=Answer("class", threshold=threshold))
        assert deeprnn_edge.load(text_bundle).classify(text)[0][0][0] == expected
        (answer,) = answer_lines("predict", text_bundle, text, "--json")
        assert answer["label"] == expected
        assert answer_lines("stream", text_bundle, given=f"{text}\n")[-1]["label"] == expected


def test_quantities_come_in_their_units(text_bundle: Path) -> None:
    text = "a gorgeous, moving film"
    expected = np.asarray(deeprnn_edge.load(text_bundle).predict(text)).astype(np.float64) * 40 - 10
    change_manifest(text_bundle, labels=("celsius",), answer=Answer("number", scale=(40.0,), offset=(-10.0,)))
    model = deeprnn_edge.load(text_bundle)
    np.testing.assert_array_equal(model.predict(text), expected)
    assert model.classify(text) == [[("celsius", expected[0, 0])]]
    np.testing.assert_allclose(model.stream().push(text), expected, atol=1e-5)
    assert model.predict([]).shape == (0, 1)  # type: ignore[union-attr]
    (answer,) = answer_lines("predict", text_bundle, text, "--json")
    assert (answer["label"], answer["outputs"]["probability"]) == (None, [expected[0, 0]])


@pytest.mark.parametrize("answer", [Answer("steps"), Answer("ctc", blank=1)], ids=["steps", "ctc"])
def test_every_step_has_its_name(steps_bundle: Path, answer: Answer) -> None:
    change_manifest(steps_bundle, labels=("a", "b", "c"), answer=answer)
    model = deeprnn_edge.load(steps_bundle)
    random = np.random.default_rng(3)
    items = [random.normal(0, 2, (length, 5)).astype(np.float32) for length in (9, 4, 9, 1)]
    named = model.classify(items)
    assert named == [model.classify([item])[0] for item in items]
    for item, names in zip(items, named, strict=True):
        values = np.asarray(model.predict([item]))
        assert names == name_rows(values, model.manifest)[0]
        assert answer.kind == "ctc" or len(names) == len(item)
        stream = model.stream()
        pushed = [pair for start in range(0, len(item), 2) for pair in stream.classify(item[start : start + 2])[0]]
        assert [name for name, _ in pushed] == [name for name, _ in names]
        stream.reset()
        assert [name for name, _ in stream.classify(item)[0]] == [name for name, _ in names]
        assert stream.classify(item[:0]) == [[]]
    np.save(steps_bundle.parent / "x.npy", items[0])
    (line,) = answer_lines("predict", steps_bundle, "--json", "--input", steps_bundle.parent / "x.npy")
    assert line["label"] == [name for name, _ in named[0]]
    rows = "".join(",".join(map(str, step)) + "\n" for step in items[0].tolist())
    lines = answer_lines("stream", steps_bundle, given=rows)
    assert [name for one in lines for name in one["label"]] == line["label"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"kind": "beam"},
            "answer.kind is 'beam', a kind that this release does not know; it has class, labels, steps",
        ),
        ({"kind": "beam", "width": 3}, "answer.kind is 'beam', a kind that this release does not know"),
        ({"kind": "class", "width": 3}, "answer has the unknown field 'width'"),
        ({"kind": "class", "blank": 0}, r"answer \(class\) has blank; expected threshold alone"),
        ({"kind": "ctc", "blank": 0}, "kind ctc, which 3 axes have"),
        ({"kind": "class", "threshold": "high"}, "answer.threshold is 'high'"),
        ({"kind": "number", "scale": [1.0, 2.0], "offset": [0.0]}, "answer.scale is .*, expected 1 numbers"),
        ({"kind": "number", "scale": [1.0]}, "answer.offset is None, expected 1 numbers"),
        ({"kind": "labels"}, "the manifest has 2 labels, and the output names 1"),
    ],
)
def test_what_a_manifest_cannot_say(text_bundle: Path, fields: dict[str, Any], said: str) -> None:
    manifest = json.loads((text_bundle / MANIFEST).read_text("utf-8"))
    (text_bundle / MANIFEST).write_text(json.dumps(manifest | {"answer": fields}), encoding="utf-8")
    with pytest.raises(BundleError, match=said):
        deeprnn_edge.load(text_bundle)


def test_counts_and_blanks_are_held_when_the_bundle_is_opened(steps_bundle: Path) -> None:
    manifest = deeprnn_edge.load(steps_bundle).manifest
    for labels, answer, said in (
        ("ab", Answer("steps"), "2 labels, and the output names 3"),
        ("abc", Answer("ctc", blank=3), "blank is 3, expected one of the 3 classes"),
        ("abc", Answer("ctc"), "blank is None"),
        ("abc", Answer("labels"), "kind labels, which 2 axes have"),
    ):
        wrong = dataclasses.replace(manifest, labels=tuple(labels), answer=answer)
        (steps_bundle / MANIFEST).write_text(encode_manifest(wrong), encoding="utf-8")
        with pytest.raises(BundleError, match=said):
            deeprnn_edge.load(steps_bundle)


def test_steps_that_nothing_explains_are_named_by_nobody(steps_bundle: Path) -> None:
    model = deeprnn_edge.load(steps_bundle)
    with pytest.raises(InputError, match=r"gives answers of the shape \(1, 4, 3\)"):
        model.classify(np.zeros((1, 4, 5), np.float32))
