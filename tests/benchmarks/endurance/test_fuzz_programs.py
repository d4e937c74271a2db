"""The programs that count damaged files: they write what they counted, and notice what goes wrong."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("h5py", reason="the workshop's readers are fuzzed too")

from benchmarks.endurance import fuzz_loading, fuzz_runtimes
from deeprnn_edge.bundle.bundle import GOLDEN


def test_what_is_counted_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_loading, "largest_inputs", dict)  # they take seconds
    output = tmp_path / "fuzz.json"
    done = CliRunner().invoke(fuzz_loading.main, ["--count", "20", "--seed", "1", "--output", str(output)])
    assert done.exit_code == 0, done.output
    written = json.loads(output.read_text())
    assert written["readers"].keys() == fuzz_loading.all_targets().keys()
    for reader in written["readers"].values():
        assert sum(reader["outcomes"].values()) == reader["inputs"] == 20
        assert (reader["slow"], reader["failures"]) == (0, [])


@pytest.mark.parametrize("end", ["raises", "dies"])
def test_what_goes_wrong_is_counted(end: str) -> None:
    def read(content: bytes, folder: Path) -> object:
        if end == "dies":
            os._exit(1)
        raise KeyError("a fault")

    target = replace(fuzz_loading.all_targets()["golden"], read=read)
    (found,) = fuzz_loading.fuzz("golden", target, 3, 0)
    assert (found["inputs"], found["outcomes"]) == (3, {"failure": 3})
    assert ("KeyError" if end == "raises" else "died") in found["failures"][0]["error"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("b: m.tflite ended the process that ran it (SIGSEGV); get it", "the process died: SIGSEGV"),
        ("b: m.tflite did not answer within 10 s, and", "the process was ended for its silence"),
        ("b: the process that ran it ended with code 1 and no answer", "the process gave no answer"),
        (f"{GOLDEN} holds no case", "refused by name"),
    ],
)
def test_errors_are_told_apart(message: str, kind: str) -> None:
    assert fuzz_runtimes.kind_of(message) == kind
