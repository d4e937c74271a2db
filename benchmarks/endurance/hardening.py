"""Measure many threads, a million predictions, ten thousand loads, a hundred kills.

``python benchmarks/endurance/hardening.py``

Writes ``results/hardening.json``, and exits with 1 where a bound does not hold:

\b
- threads: 16 threads make 2,000 mixed calls each on one model; every answer has the bits of a single thread's
- soak: 1,000,000 predictions and 10,000 loads add at most 2 MB to the process, and no file descriptor;
  a loaded model that nobody asks uses less than 1 ms of CPU a second
- kills: export and pack, killed at random moments and before each of their operations on files, leave the
  old result or the new one
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.files.zip_writer import zip_files
from deeprnn_edge.runtimes.artifacts import choose_artifact
from tests.support.kills import (
    RUN_COMMAND,
    WRITE_BUNDLE,
    Kill,
    Target,
    kill_at_each_operation,
    kill_at_random,
    make_target,
)
from tests.support.paths import FIXTURES
from tests.support.soak import measure_apart
from tests.support.threads import hammer

OUTPUT = RESULTS / "hardening.json"
MOST_GROWN_BYTES = 2_000_000
MOST_IDLE = 1e-3  # CPU seconds a second
THREADS = 16

Section = dict[str, Any]


@click.command(help=__doc__)
@click.option("--threads", is_flag=True, help="The threads alone.")
@click.option("--soak", is_flag=True, help="Predictions, loads and idling alone.")
@click.option("--kills", is_flag=True, help="The kills alone.")
@click.option("--bundle", "bundles", multiple=True, type=click.Path(exists=True, path_type=Path),
              help="A bundle of texts whose ONNX file is soaked beside the fixtures'; repeatable.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A hundredth of everything: does it run?")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=OUTPUT,
              help="The JSON  [default: benchmarks/results/hardening.json]. Its other sections stay.")  # fmt: skip
def main(threads: bool, soak: bool, kills: bool, bundles: tuple[Path, ...], quick: bool, output: Path) -> None:
    """Measure, and write."""
    sections: dict[str, Callable[[], Section]] = {
        "threads": lambda: in_threads(20 if quick else 2_000),
        "soak": lambda: soaked(bundles, 0.01 if quick else 1),
        "kills": lambda: killed(0.1 if quick else 1),
    }
    asked = [name for name, chosen in zip(sections, (threads, soak, kills), strict=True) if chosen] or list(sections)
    result = _earlier(output)
    for name in asked:
        started = time.perf_counter()
        result[name] = sections[name]() | {"seconds": round(time.perf_counter() - started, 1)}
        write_output(output, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        for problem in result[name]["problems"]:
            click.echo(f"{name}: {problem}", err=True)
    sys.exit(int(any(result[name]["problems"] for name in asked)))


def in_threads(calls_each: int) -> Section:
    """Measure both formats of every fixture: text, text with streams, and vectors with streams of four steps."""
    runs = []
    for bundle in ("bundle", "stream_text", "stream_steps"):
        for artifact in ("model.onnx", "model.tflite"):
            runs.append(hammer(FIXTURES / bundle, artifact, threads=THREADS, calls_each=calls_each))
            click.echo(f"threads: {runs[-1]}", err=True)
    wrong = [run for run in runs if run["differing"] or run["errors"]]
    return {"runs": runs, "problems": [f"{run['bundle']}/{run['artifact']} answers otherwise" for run in wrong]}


def soaked(bundles: tuple[Path, ...], share: float) -> Section:
    """Measure predictions and loads of both formats, and what loaded models do meanwhile."""
    text, streams = FIXTURES / "bundle", FIXTURES / "stream_text"
    predicted = [(text, "model.onnx"), (text, "model.tflite"), *((one, _onnx(one)) for one in bundles)]
    loaded = [(text, "model.onnx"), (text, "model.tflite"), (streams, "model.onnx"), (streams, "model.tflite")]
    result: Section = {"predictions": [], "loads": [], "idle": []}
    # The heap settles within some 10,000 loads: ONNX Runtime's blocks and Python's lie between each other, and what is
    # free between them is found again (24,000 loads: 4.4 MB more after 14,000, no more until the end).
    for what, chosen, count, warm_up in (
        ("predictions", predicted, 1_000_000, 50_000),
        ("loads", loaded, 10_000, 10_000),
    ):
        for path, artifact in chosen:
            options = {"count": int(count * share), "warm_up": int(warm_up * share)}
            result[what].append(measure_apart(what, path, artifact, **options))
            click.echo(f"{what}: {result[what][-1]}", err=True)
    for path, artifact, threads in ((text, "model.onnx", 1), (text, "model.onnx", 2), (text, "model.tflite", 1)):
        result["idle"].append(measure_apart("idle", path, artifact, seconds=max(0.5, 5 * share), threads=threads))
        click.echo(f"idle: {result['idle'][-1]}", err=True)
    return result | {"problems": _soak_problems(result)}


def killed(share: float) -> Section:
    """Kill the two commands at random moments, and what they write with before each operation on files."""
    result: Section = {"random": {}, "each_operation": {}}
    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder:
        for name, target, kills in _commands(Path(folder)):
            result["random"][name] = kill_at_random(target, max(2, int(kills * share)))
            click.echo(f"kills: {name}: {result['random'][name]}", err=True)
            if name == "pack":
                result["each_operation"][name] = _counted(kill_at_each_operation(target))
        for name, target in _writers(Path(folder)):
            result["each_operation"][name] = _counted(kill_at_each_operation(target))
    click.echo(f"kills: {result['each_operation']}", err=True)
    every = {**result["random"], **{f"{name}, each operation": one for name, one in result["each_operation"].items()}}
    problems = [f"{name}: {one['outcomes']}" for name, one in every.items() if "neither" in one["outcomes"]]
    problems += [f"{name}: no kill struck in the middle" for name, one in result["random"].items()
                 if not one["moments"].get("during")]  # fmt: skip
    return result | {"problems": problems}


def _commands(folder: Path) -> list[tuple[str, Target, int]]:
    """Return each command with its kills, a hundred in all."""
    with zipfile.ZipFile(FIXTURES / "legacy" / "keras-2.2.4.zip") as stored:
        stored.extract("gru.h5", folder)
    export = ["export", str(folder / "gru.h5"), "--format", "onnx", "--force", "-o"]
    pack = ["pack", str(FIXTURES / "stream_text"), "--golden", "--force", "-o"]
    old_zip = folder / "old.zip"
    old_zip.write_bytes(_zip_of(FIXTURES / "bundle"))
    targets = []
    for name, words, output, old, kills in (
        ("pack", pack, "packed/out.zip", old_zip, 80),
        ("export to a directory", export, "exported/out", FIXTURES / "bundle", 12),
        ("export to a zip", export, "zipped/out.zip", old_zip, 8),
    ):
        path = folder / output
        targets.append((name, make_target(RUN_COMMAND, [*words, path], path, old), kills))
    return targets


def _writers(folder: Path) -> list[tuple[str, Target]]:
    old_zip = folder / "old.zip"
    targets = []
    for name, output, old in (
        ("export to a directory", "written/out", FIXTURES / "bundle"),
        ("export to a zip", "written_zip/out.zip", old_zip),
    ):
        path = folder / output
        targets.append((name, make_target(WRITE_BUNDLE, [FIXTURES / "stream_text", path], path, old)))
    return targets


def _zip_of(bundle: Path) -> bytes:
    return zip_files({path.name: path.read_bytes() for path in bundle.iterdir()})


def _counted(found: list[Kill]) -> Section:
    states = [kill.state for kill in found]
    return {"operations": len(found) - 1, "outcomes": {state: states.count(state) for state in sorted(set(states))}}


def _soak_problems(result: Section) -> list[str]:
    problems = []
    for what in ("predictions", "loads"):
        for one in result[what]:
            name = f"{one['count']:,} {what} of {one['bundle']}/{one['artifact']}"
            if (one["most_grown_bytes"] or 0) > MOST_GROWN_BYTES:
                problems.append(f"{name} add {one['most_grown_bytes']:,} bytes; {MOST_GROWN_BYTES:,} are allowed")
            if one["descriptors_after"] != one["descriptors_before"]:
                problems.append(f"{name}: {one['descriptors_before']} descriptors become {one['descriptors_after']}")
    for one in result["idle"]:
        if one["cpu_seconds"] > MOST_IDLE * one["wall_seconds"]:
            problems.append(f"{one['artifact']} uses {one['cpu_seconds']} s of CPU in {one['wall_seconds']} s")
    return problems


def _onnx(bundle: Path) -> str:
    return choose_artifact(open_bundle(bundle)).path


def _earlier(output: Path) -> Section:
    """Return the sections of an earlier run on this machine, which this one replaces or keeps."""
    head = {"format_version": 1, "what": "threads, soak and kills", "machine": describe_machine()}
    if not output.exists():
        return head
    earlier = json.loads(output.read_text(encoding="utf-8"))
    return earlier | head if earlier.get("machine") == head["machine"] else head


if __name__ == "__main__":
    main()
