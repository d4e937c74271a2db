"""The page in a real browser answers with Python's numbers, and its console stays silent."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import split_words
from deeprnn_edge.web.runtime_files import Runtime, fetch_runtime
from deeprnn_edge.web.site import make_files, write_site
from tests.support.changed_bundle import with_scaler
from tests.support.shared import made_once
from tests.support.web_server import visit

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on PATH"),
]
TOLERANCE = 1e-5  # the parity gate's own

OPENINGS = [
    "a gorgeous, moving film",
    "It's NOT very good",
    "the worst plot",
    "I love this movie<br />and hate",
    "zzz",
    "café",
]
ENDINGS = [
    "",
    "but boring.",
    "for its time!",
    "🎬 never dull",
    "and it's a great story of the best on you",
    "кино 映画",
]
SENTENCES = [
    *(f"{opening} {ending}" for opening, ending in itertools.product(OPENINGS, ENDINGS)),
    *(" ".join(["good bad", "film story", "never"][: count % 3 + 1] * count) for count in range(1, 20)),
    "", "   ", "<br />", "the " * 300,
]  # fmt: skip

TYPE = """
const at = id => document.getElementById(id);
const errors = [];
addEventListener("error", event => errors.push(event.message));
addEventListener("unhandledrejection", event => errors.push(String(event.reason)));
const idle = async () => {
  while (at("main").getAttribute("aria-busy") === "true") await new Promise(done => setTimeout(done, 2));
};
await idle();
const sentences = SENTENCES;
const seen = [];
for (const sentence of sentences) {
  at("text").value = sentence;
  at("text").dispatchEvent(new Event("input"));
  await idle();
  seen.push({
    values: at("answer").hidden ? null : JSON.parse(at("answer").dataset.values),
    rows: [...at("rows").querySelectorAll("data")].map(one => Number(one.value)),
    words: [...at("rows").querySelectorAll("th")].map(one => one.textContent),
    label: at("label").textContent,
  });
}
await new Promise(done => setTimeout(done, 700));
const size = [...document.querySelectorAll("button, textarea, select")].filter(one => one.offsetParent);
await fetch("seen", { method: "POST", body: JSON.stringify({
  seen, errors, live: at("live").textContent,
  overflow: document.documentElement.scrollWidth - innerWidth,
  low: size.filter(one => one.getBoundingClientRect().height < 24).length,
  origins: [...new Set(performance.getEntriesByType("resource").map(entry => new URL(entry.name).origin))],
  own: location.origin,
  loading: getComputedStyle(at("loading")).display,
  problem: at("problem").textContent,
}) });
"""

REPLAY = """
const at = id => document.getElementById(id);
const idle = async () => {
  while (at("main").getAttribute("aria-busy") === "true") await new Promise(done => setTimeout(done, 2));
};
await idle();
const seen = [];
for (let index = 0; index < at("sample").options.length; index++) {
  at("sample").value = index;
  at("jump").hidden ? at("play").click() : at("jump").click();
  await idle();
  seen.push({
    values: JSON.parse(at("answer").dataset.values),
    rows: [...at("rows").querySelectorAll("data")].map(one => Number(one.value)),
  });
}
await fetch("seen", { method: "POST", body: JSON.stringify({ seen, problem: at("problem").textContent }) });
"""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    try:
        return made_once(tmp_path_factory, "runtime", lambda _: fetch_runtime())[1]
    except InputError as error:
        if "npm did not get" not in str(error):  # another archive than the pinned one is no reason to skip
            raise
        pytest.skip(f"npm is there and gives no runtime: {error}")


def run_page(bundle: Path, runtime: Runtime, tmp_path: Path, script: str, **options: Any) -> dict[str, Any]:
    site = tmp_path / "site"
    write_site(site, make_files(open_bundle(bundle), runtime, options.get("artifact")))
    width = options.get("width", 1280)
    seen, console = visit(str(BROWSER), site, script, tmp_path / "profile", f"--window-size={width},900")
    assert console == []
    assert seen["problem"] == ""
    return seen


@pytest.mark.parametrize("width", [1280, 500])
def test_typing_answers_as_python_word_by_word(
    stream_bundle: Path, runtime: Runtime, tmp_path: Path, width: int
) -> None:
    assert len(set(SENTENCES)) >= 50
    found = run_page(stream_bundle, runtime, tmp_path, TYPE.replace("SENTENCES", json.dumps(SENTENCES)), width=width)
    model = deeprnn_edge.load(stream_bundle)
    differences = []
    for sentence, seen in zip(SENTENCES, found["seen"], strict=True):
        words = split_words(sentence)
        with model.stream() as stream:
            start = stream.push(np.array([[1]], np.int32))
            expected = [float(answer[0, 0]) for answer in (start, *map(stream.push, words))]
        with model.stream() as stream:
            whole = float(stream.push(sentence)[0, 0])
        assert seen["words"] == ["(start)", *words][-200:]
        differences += np.abs(np.subtract(seen["rows"], expected[-200:])).tolist()
        differences += [abs(seen["values"][0] - whole)]
        assert seen["label"] == model.manifest.labels[whole > 0.5]
    assert max(differences) <= TOLERANCE
    assert found["errors"] == []
    assert found["live"].split(",")[0] in model.manifest.labels
    assert found["origins"] == [found["own"]]
    assert (found["overflow"] <= 0, found["low"], found["loading"]) == (True, 0, "none")


def test_a_whole_text_is_padded_and_cut_as_in_python(bundle_path: Path, runtime: Runtime, tmp_path: Path) -> None:
    found = run_page(bundle_path, runtime, tmp_path, TYPE.replace("SENTENCES", json.dumps(SENTENCES)))
    expected = deeprnn_edge.load(bundle_path).predict(SENTENCES)
    got = np.array([seen["values"] for seen in found["seen"]])
    assert np.abs(got - expected).max() <= TOLERANCE


def test_ids_are_typed_where_there_is_no_vocabulary(stream_bundle: Path, runtime: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    shutil.copytree(stream_bundle, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["preprocessing"] |= {"kind": "tokens", "vocabulary": None}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = run_page(folder, runtime, tmp_path, TYPE.replace("SENTENCES", '["1, 5 9 43", "7"]'))
    model = deeprnn_edge.load(folder)
    for ids, seen in zip([[1, 5, 9, 43], [7]], found["seen"], strict=True):
        expected = model.stream().push(ids)[0, 0]
        assert abs(seen["values"][0] - expected) <= TOLERANCE
        assert seen["words"] == [str(one) for one in ids]


@pytest.mark.parametrize("artifact", ["stream.onnx", "model.onnx", "raw"])
def test_a_replay_answers_as_python(stream_steps_bundle: Path, runtime: Runtime, tmp_path: Path, artifact: str) -> None:
    if artifact == "raw":
        artifact = "stream.onnx"
        stream_steps_bundle = Path(shutil.copytree(stream_steps_bundle, tmp_path / "raw"))
        with_scaler(stream_steps_bundle)
    found = run_page(stream_steps_bundle, runtime, tmp_path, REPLAY, artifact=artifact)
    samples = json.loads((tmp_path / "site" / "settings.json").read_text(encoding="utf-8"))["samples"]
    model = deeprnn_edge.load(stream_steps_bundle)
    assert len(found["seen"]) == len(samples) > 1
    for sample, seen in zip(samples, found["seen"], strict=True):
        expected = model.predict([sample["steps"]])[0]
        assert np.abs(np.array(seen["values"]) - expected[-1]).max() <= TOLERANCE
        shown = expected.max(axis=-1) if artifact == "stream.onnx" else expected[-1:].max(axis=-1)
        assert np.abs(np.array(seen["rows"]) - shown).max() <= TOLERANCE
