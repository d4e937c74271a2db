"""One process of the converter serves an export, and one that ended is started anew."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from deeprnn_export import export
from deeprnn_export.targets.tflite import converter
from tests.support.workshop import small

# Says its own number, and does what the first word says.
PROGRAM = """
import json, os, sys
for line in sys.stdin:
    words = json.loads(line)
    print(os.getpid(), words, file=sys.stderr, flush=True)
    if words[0] == "abort":
        os.abort()
    print(int(words[0] == "fail"), flush=True)
"""


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "PROGRAM", (sys.executable, "-c", PROGRAM))


def test_a_process_serves_all_and_is_started_anew_after_a_crash() -> None:
    with converter.converting():
        ends = [converter.run_apart([word, Path("ünï code")]) for word in ("one", "fail", "abort", "two")]
    assert [end.returncode for end in ends] == [0, 1, -6, 0]
    processes = [end.stderr.split()[0] for end in ends]
    assert processes[0] == processes[1] == processes[2] != processes[3]
    assert all(str(["one", "ünï code"]) in end.stderr for end in ends[:1])
    assert all(len(end.stderr.splitlines()) == 1 for end in ends)  # each its own


def test_without_one_that_is_kept_each_has_its_own() -> None:
    processes = {converter.run_apart(["one"]).stderr.split()[0] for _ in range(2)}
    assert len(processes) == 2


def test_a_process_that_cannot_start_is_an_end_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "PROGRAM", (sys.executable, "-c", "import sys; sys.exit('no memory')"))
    with converter.converting() as worker:
        ends = [worker.ask(["one"]) for _ in range(2)]
    assert [(end.returncode, end.stderr.strip()) for end in ends] == [(1, "no memory")] * 2


@pytest.mark.slow
def test_files_are_the_same_from_one_process_and_from_several(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    made, model = [], small()
    for folder in ("together", "apart"):
        if folder == "apart":
            monkeypatch.setattr(converter, "converting", lambda: closing(converter.Worker()))  # kept for nobody
        manifest = export(model, tmp_path / folder, formats=["tflite"], precisions=["fp32", "fp16", "int8"])
        made.append([(one.path, one.sha256) for one in manifest.artifacts])
    assert made[0] == made[1]
    assert len(made[0]) == 3
