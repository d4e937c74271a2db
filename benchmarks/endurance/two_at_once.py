"""Start two commands at once into one place, again and again: does one of them win, whole?

``python benchmarks/endurance/two_at_once.py``

Writes ``results/two_at_once.json``, and exits with 1 where a bound does not hold. The commands of a pair write results
of different bytes, so that a mixture of both would be noticed, and start within a random moment of each other:

\b
- into a place where nothing is: exactly one ends with 0, the other with 2 and one line, and the place holds the whole
  result of the one that ended with 0
- with --force, over an old result: one or both end with 0 (both where one began after the other's end), and the place
  holds the whole result of one that did
- beside the place nothing is left
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import click

from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.web.runtime_files import SCRIPT, WASM
from tests.support.kills import RUN_COMMAND, WRITE_BUNDLE, digest
from tests.support.paths import FIXTURES
from tests.support.score_runs import make_texts, write_corpus

OUTPUT = RESULTS / "two_at_once.json"
MOST_APART_SECONDS = 0.05
# The writer of ``export`` without TensorFlow's seconds, with a command's exit code.
_AS_A_COMMAND = """
import sys
from deeprnn_edge.errors import InputError
try:
{}
except InputError as error:
    print(f"error: {{error}}", file=sys.stderr)
    sys.exit(2)
"""


@dataclass(frozen=True)
class Contest:
    """Hold two programs for one place.

    Attributes:
        name: of the command.
        programs: Python code and its words, which write different results to ``words[-1]``.
        output: what the place is called.
        share: of all pairs.
        forced: whether the programs replace what is there.
    """

    name: str
    programs: tuple[tuple[str, list[str]], tuple[str, list[str]]]
    output: str
    share: float
    forced: bool = False


@click.command(help=__doc__)
@click.option("--pairs", default=200, show_default=True, help="Of all commands together.")
@click.option("--seed", default=0, show_default=True, help="The same seed starts the same pairs.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=OUTPUT, help="The JSON.")
def main(pairs: int, seed: int, output: Path) -> None:
    """Measure, and write."""
    started, random = time.perf_counter(), Random(seed)
    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder:
        contests = _contests(Path(folder))
        results = [_run(contest, max(1, round(pairs * contest.share)), random, Path(folder)) for contest in contests]
    problems = [problem for one in results for problem in one["problems"]]
    result = {
        "format_version": 1,
        "machine": describe_machine(),
        "seed": seed,
        "pairs": sum(one["pairs"] for one in results),
        "commands": results,
        "seconds": round(time.perf_counter() - started, 1),
        "problems": problems,
    }
    write_output(output, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(int(bool(problems)))


def _run(contest: Contest, pairs: int, random: Random, folder: Path) -> dict[str, Any]:
    """Run one command's pairs."""
    whole = [_alone(contest, place, folder / f"{place}") for place in (0, 1)]
    codes: Counter[str] = Counter()
    said: Counter[str] = Counter()
    problems: list[str] = []
    for _ in range(pairs):
        found, errors, left = _pair(contest, random, folder / "pair")
        codes[" and ".join(map(str, sorted(code for code, _ in found)))] += 1
        winners = [place for place, (code, _) in enumerate(found) if code == 0]
        said.update(_kind(error) for (code, _), error in zip(found, errors, strict=True) if code)
        if any(code not in (0, 2) for code, _ in found) or "other" in said:
            problems.append(f"{contest.name}: ended with {found}: {errors}")
        if not winners or (len(winners) > 1 and not contest.forced):
            problems.append(f"{contest.name}: {len(winners)} ended with 0")
        elif found[0][1] not in [whole[place] for place in winners]:
            problems.append(f"{contest.name}: the place holds neither result")
        if left:
            problems.append(f"{contest.name}: left {left}")
    click.echo(f"{contest.name}: {dict(codes)}, {dict(said)}", err=True)
    return {
        "command": contest.name,
        "pairs": pairs,
        "exit_codes": dict(sorted(codes.items())),
        "refusals": dict(sorted(said.items())),
        "problems": problems,
    }


def _pair(contest: Contest, random: Random, folder: Path) -> tuple[list[tuple[int, str]], list[str], list[str]]:
    """Return of each process its exit code and what the place held at the end, its errors, and the names beside."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    output = folder / contest.output
    if contest.forced:
        _start(contest.programs[0], output).communicate()
    started = []
    for program in contest.programs if random.random() < 0.5 else contest.programs[::-1]:
        started.append((program, _start(program, output)))
        time.sleep(random.uniform(0, MOST_APART_SECONDS))
    errors = {id(program): process.communicate()[1] for program, process in started}
    codes = {id(program): process.returncode for program, process in started}
    held = digest(output)
    left = sorted(path.name for path in folder.iterdir() if path != output)
    return (
        [(codes[id(program)], held) for program in contest.programs],
        [errors[id(program)] for program in contest.programs],
        left,
    )


def _alone(contest: Contest, place: int, folder: Path) -> str:
    """Return the digest of what one of the programs writes by itself."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    process = _start(contest.programs[place], folder / contest.output)
    _, error = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{contest.name}: {error}")
    return digest(folder / contest.output)


def _start(program: tuple[str, list[str]], output: Path) -> subprocess.Popen[str]:
    code, words = program
    return subprocess.Popen(
        [sys.executable, "-c", code, *words, str(output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def _contests(folder: Path) -> list[Contest]:
    """Return every kind of place: a file, a page of several files, a bundle, and the scores of a corpus."""
    stream, plain = str(FIXTURES / "stream_text"), str(FIXTURES / "bundle")
    write_corpus(folder / "corpus", make_texts(2_000))
    score = ["score", plain, "-i", str(folder / "corpus" / "*.parquet"), "--column", "text", "--workers", "1"]
    runtime = folder / "runtime"
    (runtime / "dist").mkdir(parents=True)
    (runtime / "package.json").write_text(json.dumps({"name": "onnxruntime-web", "version": "1.30.0"}))
    (runtime / SCRIPT).write_bytes(b"export {};")
    (runtime / WASM).write_bytes(b"\0asm")
    with zipfile.ZipFile(FIXTURES / "legacy" / "keras-2.2.4.zip") as stored:
        stored.extract("gru.h5", folder)
    java = ["--language", "java"]
    export = ["export", str(folder / "gru.h5"), "--format", "onnx"]

    def commands(*words: list[str]) -> tuple[tuple[str, list[str]], tuple[str, list[str]]]:
        one, other = ([*chosen, "-o"] for chosen in words)
        return (RUN_COMMAND, one), (RUN_COMMAND, other)

    forcing = _AS_A_COMMAND.format(textwrap.indent(WRITE_BUNDLE, "    "))
    careful = forcing.replace("force=True", "force=False")
    runtime_of = ["--runtime", str(runtime), "--force"]
    return [
        Contest("pack", commands(["pack", stream], ["pack", stream, "--golden"]), "out.zip", 0.2),
        Contest("pack --force", commands(["pack", stream, "--force"], ["pack", stream, "--golden", "--force"]),
                "out.zip", 0.2, forced=True),
        Contest("report", commands(["report", stream], ["report", plain]), "out.html", 0.1),
        Contest("snippet", commands(["snippet", stream, *java], ["snippet", plain, *java]),
                "out.txt", 0.05),
        Contest("web --force", commands(["web", stream, *runtime_of], ["web", plain, *runtime_of]),
                "site", 0.1, forced=True),
        Contest("export's writer", ((careful, [stream]), (careful, [plain])), "bundle", 0.1),
        Contest("export's writer, forced", ((forcing, [stream]), (forcing, [plain])), "bundle", 0.1, forced=True),
        Contest("export", commands([*export, "--name", "one"], [*export, "--name", "other"]), "bundle", 0.025),
        Contest("score", commands(score, [*score, "--prefix", "p_"]), "scores", 0.075),
        Contest("score --force", commands([*score, "--force"], [*score, "--prefix", "p_", "--force"]),
                "scores", 0.05, forced=True),
    ]  # fmt: skip


def _kind(error: str) -> str:
    """Say why the second was refused."""
    lines = error.strip().splitlines()
    if not lines or "Traceback" in error or not lines[-1].startswith("error: "):
        return "other"
    line = lines[-1]
    if "another command is writing" in line:
        return "is being written"
    return "is taken" if " exists; " in line or " holds scores of " in line else "other"


if __name__ == "__main__":
    main()
