"""Compare C files with the ONNX files of the same models: ``python -m benchmarks.c_format.measure``.

Batch 1, one thread, 100 steps. Both answer in one process, in turn; a ratio is C's time by ONNX Runtime's, of the
shortest calls and the median of the pairs. Compiled with gcc -O3 for plain x86-64: with AVX2, which the file itself
takes at run time, and without (-D..._PORTABLE), which leaves SSE2.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import deeprnn_edge
from benchmarks.paths import RESULTS
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.runtimes.c.session import CSession
from deeprnn_export import export
from deeprnn_export.datasets.catalogue import load_dataset

RESULT = RESULTS / "c_format.json"
CELLS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
STEPS, WORDS = 100, 10_000
PAIRS, WIDE_PAIRS, WARM_UP = 400, 60, 20
PUSHES = 5_000


def main() -> None:
    """Measure and write, after each model what there is."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for cell in CELLS:
            for masked in (False, True):
                rows += measure_seed(Path(place), cell, masked=masked)
                write(rows)
        for cell in CELLS:
            rows += measure_wide(Path(place), cell)
            write(rows)


def write(rows: list[dict[str, Any]]) -> None:
    """Write the result."""
    said = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout
    result = {
        "format_version": 1,
        "what": __doc__,
        "machine": describe_machine(),
        "compiler": said.split("\n")[0],
        "pairs": {"seed": PAIRS, "wide": WIDE_PAIRS},
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def measure_seed(place: Path, cell: str, *, masked: bool) -> list[dict[str, Any]]:
    """Measure the models of two layers of 32 and 16 units over an embedding of 10,000 words."""
    model = keras.Sequential(
        [
            keras.Input((STEPS,), dtype="int32", name="tokens"),
            keras.layers.Embedding(WORDS, 32, mask_zero=masked),
            CELLS[cell](32, return_sequences=True),
            CELLS[cell](16),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name=f"seed_{cell}",
    )
    folder = make_bundle(place / f"seed-{cell}-{masked}", model, stream=True)
    random = np.random.default_rng(0)
    full = random.integers(1, WORDS, (1, STEPS)).astype(np.int32)
    inputs = {"full": [full]}
    if masked:
        inputs["review lengths"] = list(reviews())
    name = f"{cell}{', masked' if masked else ''}"
    rows = []
    for lengths, given in inputs.items():
        for way, content in builds(folder, model.name).items():
            row = compare(folder, content, given, PAIRS)
            rows.append({"model": f"seed {name}", "lengths": lengths, "build": way, **row})
            print(rows[-1], file=sys.stderr)
    if not masked:
        rows[0] |= sizes(folder) | stream_times(folder, full) | {"first_answer_ms": first_answer(folder)}
    return rows


def measure_wide(place: Path, cell: str) -> list[dict[str, Any]]:
    """Measure three layers of 256 units over 32 features; GRU and LSTM with weights of int8 too."""
    stack = [CELLS[cell](256, return_sequences=index < 2) for index in range(3)]
    model = keras.Sequential([keras.Input((STEPS, 32), name="x"), *stack, keras.layers.Dense(1)], name=f"wide_{cell}")
    narrow = cell != "rnn"
    folder = make_bundle(place / f"wide-{cell}", model, precisions=("fp32", "int8") if narrow else ("fp32",))
    x = np.random.default_rng(0).standard_normal((1, STEPS, 32)).astype(np.float32)
    rows = []
    for path in ["model.c", *(["model.int8.c"] if narrow else [])]:
        row = compare(folder, (folder / path).read_bytes(), [x], WIDE_PAIRS)
        rows.append({"model": f"3 x 256 {cell}", "lengths": "full", "build": f"avx2, {path}", **row})
        print(rows[-1], file=sys.stderr)
    return rows


def make_bundle(folder: Path, model: keras.Model, **options: Any) -> Path:
    """Export a model in both formats."""
    export(model, folder, formats=("onnx", "c"), **options)
    return folder


def builds(folder: Path, prefix: str) -> dict[str, bytes]:
    """Return the sources to compile, by the instructions that they take."""
    content = (folder / "model.c").read_bytes()
    return {"avx2": content, "sse2": f"#define {prefix.upper()}_PORTABLE\n".encode() + content}


def compare(folder: Path, content: bytes, inputs: list[NDArray[Any]], pairs: int) -> dict[str, Any]:
    """Time both files in turn, each input in turn, once they answer alike."""
    model = deeprnn_edge.load(folder, artifact="model.onnx")
    (spec,) = model.manifest.inputs
    run, peer = CSession(content, "model.c").run, model._answer
    feeds = [{spec.name: one} for one in inputs]
    difference = max(
        float(np.abs(next(iter(run(feed).values())) - next(iter(peer(feed).values()))).max()) for feed in feeds
    )
    for feed in feeds[:WARM_UP]:
        run(feed), peer(feed)
    times = np.array([[clock(run, feeds[i % len(feeds)]), clock(peer, feeds[i % len(feeds)])] for i in range(pairs)])
    own, other = times.T
    if len(feeds) > 1:  # of unequal lengths: the shortest call is the shortest input's
        totals = times[: len(times) // len(feeds) * len(feeds)].sum(axis=0)
        minimum = float(totals[0] / totals[1])
    else:
        minimum = float(own.min() / other.min())
    return {
        "c_us": {"min": float(own.min()) * 1e6, "median": float(np.median(own)) * 1e6},
        "onnx_us": {"min": float(other.min()) * 1e6, "median": float(np.median(other)) * 1e6},
        "ratio_min": minimum,
        "ratio_median": float(np.median(own / other)),
        "difference_from_onnx": difference,
        "difference_from_keras": next(a.parity.max_abs_diff for a in model.manifest.artifacts if a.path == "model.c"),
    }


def clock(run: Callable[[Any], Any], feed: Any) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run(feed)
    return time.perf_counter() - start


def reviews() -> list[NDArray[np.int32]]:
    """Return a hundred rows as long as real reviews, padded at their end."""
    texts = load_dataset("reviews").x_test[:100]
    rows = np.zeros((len(texts), STEPS), np.int32)
    for row, ids in zip(rows, texts, strict=True):
        kept = np.asarray(ids)
        kept = kept[kept != 0][:STEPS]  # the data set's own rows are padded
        row[: len(kept)] = np.minimum(kept, WORDS - 1)
    return [row[np.newaxis] for row in rows]


def sizes(folder: Path) -> dict[str, Any]:
    """Return the bytes of code of one build, without its constants, and the library calls that it makes."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "model.o"
        command = ["gcc", "-std=c99", "-O3", "-c", f"-D{prefix_of(folder)}_PORTABLE", str(folder / "model.c"), "-o"]
        subprocess.run([*command, str(target)], check=True)
        listed = subprocess.run(["size", "-A", str(target)], check=True, capture_output=True, text=True).stdout
        symbols = subprocess.run(["nm", str(target)], check=True, capture_output=True, text=True).stdout
    code = sum(int(size) for name, size in re.findall(r"^(\.text\S*)\s+(\d+)", listed, re.MULTILINE) if name)
    mutable = sum(int(size) for _, size in re.findall(r"^(\.data|\.bss)\s+(\d+)", listed, re.MULTILINE))
    return {
        "code_bytes": code,
        "mutable_static_bytes": mutable,
        "undefined_symbols": re.findall(r" U (\S+)", symbols),
    }


def prefix_of(folder: Path) -> str:
    """Return the prefix of a bundle's source, in capitals."""
    found = re.search(r"int (\w+)_run\(", (folder / "model.h").read_text())
    return "" if found is None else found[1].upper()


def stream_times(folder: Path, ids: NDArray[np.int32]) -> dict[str, float]:
    """Time one step of a stream: in a loop of C, in the runtime's stepper, and through ``Stream.push``."""
    prefix = prefix_of(folder)
    name = prefix.lower()
    code = (
        '#include "model.h"\n#include <stdio.h>\n#include <time.h>\n'
        f"int main(void) {{\n  {name}_state state;\n  struct timespec a, b;\n  float out = 0;\n  int32_t id = 5;\n"
        f"  int i;\n  {name}_reset(&state);\n  clock_gettime(CLOCK_MONOTONIC, &a);\n"
        f"  for (i = 0; i < 200000; i++) {{ id = 1 + i % 9999; {name}_push(&state, &id, 1, &out); }}\n"
        "  clock_gettime(CLOCK_MONOTONIC, &b);\n"
        '  printf("%.4f\\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / 200000 / 1e3);\n'
        "  return out > 2;\n}\n"
    )
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "main.c").write_text(code)
        program = str(Path(place) / "program")
        command = ["gcc", "-O3", f"-I{folder}", str(Path(place) / "main.c"), str(folder / "model.c"), "-o", program]
        subprocess.run(command, check=True)
        harness = min(
            float(subprocess.run([program], capture_output=True, text=True, check=False).stdout) for _ in range(5)
        )
    model = deeprnn_edge.load(folder, artifact="model.c", allow_native_code=True)
    assert model.manifest.stream is not None
    stepper = CSession((folder / "model.c").read_bytes(), "model.c").stepper(model.manifest.stream, rows=1, chunk=None)
    feed, stream = {"tokens": ids[:, :1].copy()}, model.stream()
    return {
        "stream_step_c_us": harness,
        "stream_step_stepper_us": min(clock(stepper.advance, feed) for _ in range(PUSHES)) * 1e6,
        "stream_step_push_us": min(clock(stream.push, feed["tokens"]) for _ in range(PUSHES)) * 1e6,
    }


def first_answer(folder: Path) -> float:
    """Return the CPU milliseconds of a process that answers once: the self-test's build, with its start."""
    with tempfile.TemporaryDirectory() as place:
        program = str(Path(place) / "program")
        subprocess.run(["gcc", "-O3", str(folder / "model.c"), str(folder / "model_test.c"), "-o", program], check=True)
        times = []
        for _ in range(20):
            before = cpu_of_children()
            subprocess.run([program], check=True, capture_output=True)
            times.append(cpu_of_children() - before)
    return min(times) * 1e3


def cpu_of_children() -> float:
    """Return the CPU seconds of the processes that ended."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if shutil.which("gcc") is None:
        sys.exit("gcc is not installed")
    main()
